"""The whole frozen starter.

``tests/model/frozen/test_starter.py::test_features_are_those_of_the_network`` compares it with
``model.starter.network``.
"""

from copy import deepcopy

import torch
from torch import Tensor

from model.features import Features
from model.frozen.convolution import FrozenConvolution
from model.frozen.target import Target
from model.starter.inverted_residual import InvertedResidual
from model.starter.network import Starter


class FrozenBlock:
    """Compute ``model.starter.inverted_residual.InvertedResidual``."""

    def __init__(self, block: InvertedResidual, target: Target) -> None:
        self._layers = [
            FrozenConvolution(layer, target)
            for layer in (block.expand, block.depthwise, block.project)
            if layer is not None
        ]
        self._has_skip = block.has_skip

    def __call__(self, maps: Tensor) -> Tensor:
        """Turn ``(B, in, H, W)`` into ``(B, out, ⌈H / stride⌉, ⌈W / stride⌉)``."""
        output = maps
        for layer in self._layers:
            output = layer(output)
        return output + maps if self._has_skip else output


class FrozenStarter:
    """Compute ``model.starter.network.Starter``."""

    @torch.no_grad()
    def __init__(self, network: Starter, size: tuple[int, int], target: Target, pictures: int) -> None:  # noqa: ARG002
        """Copy and fold the weights; the network is not changed.

        Args:
            network: The network in eval mode.
            size: Ignored: the network takes pictures of any size.
            target: The device; the arithmetic is float32.
            pictures: Ignored: the network takes any number.
        """
        self._stem = FrozenConvolution(network.trunk.stem, target)
        self._blocks = [FrozenBlock(block, target) for block in network.trunk.blocks]  # type: ignore[arg-type]
        with torch.device("meta"):  # only the steps after the trunk are needed
            self._reader = Starter(deepcopy(network.config), is_trained=network.is_trained)

    def __call__(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)`` float32 pictures on the target's device."""
        return self._reader.read(self._maps(images), (images.shape[2], images.shape[3]))

    def shares(self, images: Tensor) -> Tensor:
        """Return the shares of ``(B, 3, H, W)`` pictures; see ``model.network.Network.shares``."""
        return self._reader.read_shares(self._maps(images), (images.shape[2], images.shape[3]))

    def _maps(self, images: Tensor) -> dict[int, Tensor]:
        maps = self._stem(images.contiguous(memory_format=torch.channels_last))
        outputs: dict[int, Tensor] = {}
        for number, block in enumerate(self._blocks):
            maps = outputs[number] = block(maps)
        return outputs
