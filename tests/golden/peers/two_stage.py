"""Compare what TransVPR and R2Former give of a picture, and of a pair, with the recorded numbers."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.descriptors.network import DescriptorNetwork
from model.descriptors.r2former import R2Former
from model.descriptors.transvpr import TransVPR
from tests.golden.peers.networks import Difference, Size
from tests.golden.peers.recordings import Recording, cut

_TOLERANCES = {
    "tokens_all_layers": 1e-5,
    "local": 1e-5,
    "mask": 2e-5,
    "attention_maps_Q": 2e-5,
    "patches": 5e-5,
    "pair_logits": 1e-4,
    "pair_logits_swapped": 1e-4,
}
"""How far an output may be from the recorded one, but for the descriptors ``global``."""

_RECORDED_AS = {"patches": "local"}
_SWAPPED = 0.01
"""The share of rows of R2Former that may lie elsewhere: patches with nearly equal attention can change places."""


def two_stage_differences(
    recording: Recording, network: DescriptorNetwork, sizes: tuple[Size, ...]
) -> Iterator[Difference]:
    """Compare a network with its recording at some sizes of pictures."""
    for size in sizes:
        images = torch.from_numpy(recording.images(size))
        with torch.inference_mode():
            outputs = _of_transvpr(network, images) if isinstance(network, TransVPR) else _of_r2former(network, images)
        for output, values in outputs.items():
            name = f"{_RECORDED_AS.get(output, output)}_{size[0]}x{size[1]}"
            away = np.abs(recording.arrays[name].astype(np.float64) - _cut(values))
            largest = float(np.quantile(away, 1 - _SWAPPED) if output == "patches" else away.max())
            yield Difference(output, size, largest, _TOLERANCES.get(output, recording.tolerance(name)))


def _cut(values: Tensor) -> NDArray[np.float32]:
    return cut(values.contiguous().numpy())


def _of_transvpr(network: TransVPR, images: Tensor) -> Mapping[str, Tensor]:
    transformer, layers = network.backbone.transformer, list[Tensor]()
    hooks = [
        block.register_forward_hook(lambda _module, _inputs, output: layers.append(output))
        for block in transformer.blocks
    ]
    seen = network.backbone(images)
    for hook in hooks:
        hook.remove()
    local, mask = network.cells(seen)
    return {
        "global": network.aggregate(seen),
        "tokens_all_layers": torch.stack([transformer.norm(tokens) for tokens in layers], dim=1),
        "attention_maps_Q": network.attend(seen)[0],
        "local": local,
        "mask": mask,
    }


def _of_r2former(network: DescriptorNetwork, images: Tensor) -> Mapping[str, Tensor]:
    assert isinstance(network, R2Former)
    assert network.pairs is not None
    seen = network.backbone(images)
    patches = network.patches(seen)
    queries, candidates = patches[:1].expand(len(images) - 1, -1, -1), patches[1:]
    return {
        "global": network.aggregate(seen),
        "patches": patches,
        "pair_logits": network.pairs(queries, candidates),
        "pair_logits_swapped": network.pairs(candidates, queries),
    }
