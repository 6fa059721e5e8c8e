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
    """Compute ``model.starter.inverted_residual.InvertedResidual``.

    Attributes:
        output_size: Height and width of the output for maps of the size that was named.
    """

    def __init__(self, block: InvertedResidual, target: Target, pictures: int, size: tuple[int, int]) -> None:
        self._layers: list[FrozenConvolution] = []
        self.output_size = size
        for layer in (block.expand, block.depthwise, block.project):
            if layer is not None:
                self._layers.append(FrozenConvolution(layer, target, pictures, self.output_size))
                self.output_size = self._layers[-1].output_size
        self._has_skip = block.has_skip

    def __call__(self, maps: Tensor) -> Tensor:
        """Turn ``(B, in, H, W)`` into ``(B, out, ⌈H / stride⌉, ⌈W / stride⌉)``."""
        output = maps
        for layer in self._layers[:-1]:
            output = layer(output)
        return self._layers[-1](output, maps if self._has_skip else None)


class FrozenStarter:
    """Compute ``model.starter.network.Starter``."""

    @torch.no_grad()
    def __init__(self, network: Starter, size: tuple[int, int], target: Target, pictures: int) -> None:
        """Copy and fold the weights; the network is not changed.

        Args:
            network: The network in eval mode.
            size: Height and width of the pictures: a hint for the layout of weights; other sizes also work.
            target: The device; the arithmetic is float32.
            pictures: The pictures per pass: a hint, too.
        """
        self._stem = FrozenConvolution(network.trunk.stem, target, pictures, size)
        self._blocks: list[FrozenBlock] = []
        for block in network.trunk.blocks:
            last = self._blocks[-1] if self._blocks else self._stem
            self._blocks.append(FrozenBlock(block, target, pictures, last.output_size))  # type: ignore[arg-type]
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
