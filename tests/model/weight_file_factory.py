"""Checkpoints in the form of other projects, made from a network of Placefix."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.selavpr.config import SelaVPRConfig
from model.selavpr.initialisation import seeded_network
from model.selavpr.selavpr import SelaVPR

# A second copy on purpose: tests must not take the names from the code that they test.
_REFERENCE_MODULES = {
    "serial_adapter.down": "adapter1.D_fc1",
    "serial_adapter.up": "adapter1.D_fc2",
    "parallel_adapter.down": "adapter2.D_fc1",
    "parallel_adapter.up": "adapter2.D_fc2",
    "pooling.p": "aggregation.1.p",
    "local_adaptation.up1": "LocalAdapt.upconv1",
    "local_adaptation.up2": "LocalAdapt.upconv2",
}
TINY = SelaVPRConfig(
    embed_dim=64, depth=2, num_heads=4, mlp_dim=256, position_side=4, adapter_dim=32, local_hidden_dim=32, local_dim=16
)


def random_network(config: SelaVPRConfig = TINY, seed: int = 0) -> SelaVPR:
    """Make a network with random tensors, so that a swap of two would show; it is marked as trained."""
    network = seeded_network(config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1 + 0.5)
    network.is_trained = True
    return network


def reference_state(network: SelaVPR, prefix: str = "module.") -> dict[str, Tensor]:
    """Return the state dictionary of the reference."""
    state = {}
    for name, tensor in network.state_dict().items():
        for ours, theirs in _REFERENCE_MODULES.items():
            name = name.replace(ours, theirs)  # noqa: PLW2901
        state[prefix + name] = tensor.clone()
    return state


def backbone_state(network: SelaVPR) -> dict[str, Tensor]:
    """Return the state dictionary of DINOv2."""
    return {
        name.removeprefix("backbone."): tensor.clone()
        for name, tensor in network.state_dict().items()
        if name.startswith("backbone.") and "adapter" not in name
    }


def write_reference(
    path: Path, network: SelaVPR, change: Callable[[dict[str, Tensor]], object] | None = None, **extras: Any
) -> Path:
    """Write a released checkpoint, optionally after a change to its tensors."""
    state = reference_state(network)
    if change is not None:
        change(state)
    torch.save({"model_state_dict": state, **extras}, path)
    return path


def same_weights(first: SelaVPR, second: SelaVPR) -> bool:
    ours, theirs = first.state_dict(), second.state_dict()
    return list(ours) == list(theirs) and all(torch.equal(ours[name], theirs[name]) for name in ours)


def renamed(state: Mapping[str, Tensor], old: str, new: str) -> dict[str, Tensor]:
    return {name.replace(old, new): tensor for name, tensor in state.items()}
