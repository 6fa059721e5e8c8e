"""The frozen form of the networks with a global feature alone.

``tests/model/test_families.py::test_the_encoder_gives_the_features_of_the_network`` compares it with
``model.descriptors``.
"""

from copy import deepcopy

import torch
from torch import Tensor

from model.descriptors.network import DescriptorNetwork
from model.features import Features
from model.frozen.target import Target


class FrozenDescriptor:
    """Compute as ``model.descriptors.network.DescriptorNetwork`` does, with the channels of a pixel side by side."""

    @torch.no_grad()
    def __init__(self, network: DescriptorNetwork, size: tuple[int, int], target: Target, pictures: int) -> None:  # noqa: ARG002
        """Copy the weights; the network itself stays as it is.

        Args:
            network: In eval mode.
            size: Not needed: a network takes pictures of each size that it can take.
            target: Where to compute; in float32.
            pictures: Not needed: it takes any number.
        """
        self._network = deepcopy(network).to(target.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)`` float32 pictures on the target's device."""
        features: Features = self._network(images.contiguous(memory_format=torch.channels_last))
        return features

    def shares(self, images: Tensor) -> Tensor | None:
        """Return the shares of ``(B, 3, H, W)`` pictures; see ``model.network.Network.shares``."""
        shares: Tensor | None = self._network.shares(images)
        return shares
