"""The demo's network: small and untrained."""

from model.network.config import NetworkConfig
from model.network.initialisation import seeded_network
from model.network.selavpr import SelaVPR

SEED = 0
CONFIG = NetworkConfig(
    embed_dim=128,
    depth=2,
    num_heads=2,
    mlp_dim=512,
    position_side=16,
    adapter_dim=64,
    local_hidden_dim=64,
    local_dim=32,
)


def demo_network() -> SelaVPR:
    """A network of random weights, marked as untrained.

    It tells colours and shapes apart and has learnt nothing: enough to find a picture that looks nearly the same, and
    no measure of what a trained network does.
    """
    return seeded_network(CONFIG, SEED)
