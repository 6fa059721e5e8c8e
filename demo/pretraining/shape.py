"""The shape of the demo's network: a small ViT with as many and as wide local features as in the paper."""

from dataclasses import replace

from model.selavpr.config import SelaVPRConfig

CONFIG = SelaVPRConfig(
    embed_dim=256,
    depth=6,
    num_heads=4,
    mlp_dim=1024,
    position_side=16,
    adapter_dim=128,
    local_hidden_dim=128,
    local_dim=128,
)
BACKBONE_CONFIG = replace(CONFIG, adapters="none", local_features="none")
