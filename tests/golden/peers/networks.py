"""Make the network of a recording, and compare its results with the recorded numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.descriptors.netvlad import MATLAB_PREPARATION, MEAN_PIXEL
from model.descriptors.network import DescriptorNetwork
from model.families import family_named
from model.preprocess import IMAGENET_MEAN, IMAGENET_STD
from model.selavpr.vision_transformer import Tokens
from model.weight_files.layouts import interpret
from tests.golden.peers.recordings import BACKBONE_TOLERANCE, Recording

Size = tuple[int, int]


@dataclass(frozen=True)
class Difference:
    """Hold the distance of an output from the recorded one.

    Attributes:
        output: Its name.
        size: Height and width of the pictures.
        largest: The largest difference; for the map of a backbone, in parts of its largest number.
        tolerance: The largest that is right.
    """

    output: str
    size: Size
    largest: float
    tolerance: float


def make_network(recording: Recording) -> DescriptorNetwork:
    """Return the network of a recording, from tensors with the names of the reference, in eval mode."""
    state = {name: torch.from_numpy(tensor) for name, tensor in recording.weights().items()}
    weights = interpret(state, Path(recording.method))
    assert isinstance(weights.layout, CheckpointLayout), recording.method
    assert weights.unknown == ()
    config = weights.layout.read_config(FileShapes({name: tuple(each.shape) for name, each in weights.tensors.items()}))
    with torch.device("meta"):
        network = family_named(weights.family).make(config.to_dict(), is_trained=True)
    network.load_state_dict(dict(weights.tensors), strict=True, assign=True)
    assert isinstance(network, DescriptorNetwork)
    return network.eval()


def differences(recording: Recording, network: DescriptorNetwork, sizes: tuple[Size, ...]) -> Iterator[Difference]:
    """Compare a network with its recording at some sizes of pictures: descriptors, and the backbone's maps."""
    maps: list[Tensor] = []
    hook = network.get_submodule("backbone").register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    for size in sizes:
        images = _as_prepared(network, torch.from_numpy(recording.images(size)))
        with torch.inference_mode():
            outputs = {"desc": network.describe(images), **_maps(maps.pop())}
        for output, values in outputs.items():
            name = f"{output}_{size[0]}x{size[1]}"
            if name not in recording.arrays:
                continue
            numbers = values.contiguous().numpy()
            largest, tolerance = recording.difference(name, numbers), recording.tolerance(name)
            if output != "desc":
                largest, tolerance = largest / float(abs(numbers).max()), BACKBONE_TOLERANCE
            yield Difference(output, size, largest, tolerance)
    hook.remove()


def _as_prepared(network: DescriptorNetwork, images: Tensor) -> Tensor:
    """Return pictures, normalised as ImageNet's are, after the reference's own input step if it has one."""
    if network.needs != MATLAB_PREPARATION:
        return images
    mean, std = (torch.tensor(each)[:, None, None] for each in (IMAGENET_MEAN, IMAGENET_STD))
    return (images * std + mean).clamp(0, 1) * 255 - torch.tensor(MEAN_PIXEL)[:, None, None]


def _maps(output: Tensor | Tokens) -> dict[str, Tensor]:
    """Return the outputs of a backbone by the names of the recordings."""
    if isinstance(output, Tensor):
        return {"backbone": output}
    patches = output.patch_tokens.transpose(1, 2)
    return {"backbone": patches, "patch": patches, "token": output.class_token}
