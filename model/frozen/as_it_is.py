"""A network that cannot learn any more, as it is: for families without a fast form of their own.

Held to the network itself by ``tests/model/test_families.py::test_the_encoder_gives_the_features_of_the_network``.
"""

from copy import deepcopy

import torch
from torch import Tensor

from model.features import Features
from model.frozen.target import Target
from model.network import Network


class FrozenAsItIs:
    """A copy of a network in eval mode, with the channels of a pixel side by side, in the target's arithmetic."""

    def __init__(self, network: Network, size: tuple[int, int], target: Target, pictures: int) -> None:  # noqa: ARG002
        """Copy the network.

        Args:
            network: A convolutional one, which stays as it is. Its features are float32 in each arithmetic.
            size: Not needed: it takes pictures of any size.
            target: Where and how to compute.
            pictures: Not needed: it takes any number.
        """
        copied = deepcopy(network).eval().requires_grad_(requires_grad=False)
        self._network: Network = copied.to(target.device, target.dtype)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
        self._dtype = target.dtype

    def __call__(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)`` float32 pictures on the target's device; the features are float32."""
        features: Features = self._network(images.to(self._dtype, memory_format=torch.channels_last))
        return features
