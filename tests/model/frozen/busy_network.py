"""A network in which every part has an effect, like a trained one; the adapters and scales of a seeded one are idle."""

from typing import Any

import torch

from model.selavpr.config import SelaVPRConfig
from model.selavpr.initialisation import seeded_network
from model.selavpr.selavpr import SelaVPR

BUSY_CONFIG = SelaVPRConfig(
    embed_dim=96,
    depth=3,
    num_heads=3,
    mlp_dim=160,
    adapter_dim=40,
    local_hidden_dim=24,
    local_dim=16,
    num_register_tokens=4,
)


def busy_network(config: SelaVPRConfig = BUSY_CONFIG, **seeded: Any) -> SelaVPR:
    """Add noise to every weight, so that none is 0 or 1, and no two are equal."""
    network = seeded_network(config, **seeded)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            spread = parameter.shape[1] ** -0.5 if "adapter" in name and parameter.ndim == 2 else 0.02
            parameter.add_(torch.randn(parameter.shape, generator=generator) * spread)
            if name.endswith("gamma"):
                parameter.mul_(0.3)
    return network


def pictures(count: int) -> torch.Tensor:
    """Return different pictures with coarse structure, ``(count, 3, 224, 224)``."""
    coarse = torch.randn(count, 3, 28, 28, generator=torch.Generator().manual_seed(count))
    return torch.nn.functional.interpolate(coarse, size=(224, 224), mode="bilinear")
