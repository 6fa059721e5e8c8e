"""The frozen form of ``model.keypoints.network.KeypointNetwork``.

``tests/model/test_families.py::test_the_encoder_gives_the_features_of_the_network`` compares both.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Protocol

import torch
from torch import Tensor

from model.features import Features
from model.frozen.target import Target
from model.keypoints.network import KeypointNetwork, add_keypoints


class _Finder(Protocol):
    def __call__(self, images: Tensor) -> Features: ...

    def shares(self, images: Tensor) -> Tensor | None: ...


class FrozenKeypoints:
    """Compute as a network with keypoints does, with the frozen form of the network that finds pictures."""

    @torch.no_grad()
    def __init__(self, network: KeypointNetwork, finder: _Finder, target: Target) -> None:
        """Copy SuperPoint; the network itself stays unchanged.

        Args:
            network: The network in eval mode.
            finder: The frozen form of ``network.finder``.
            target: The device; the arithmetic is float32.
        """
        self.shares: Callable[[Tensor], Tensor | None] = finder.shares
        self._finder = finder
        self._preparation, self._most = network.needs, network.config.sizes.keypoints
        detector = deepcopy(network.parts.detector)
        self._detector = detector.to(target.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)`` float32 pictures on the target's device."""
        found = self._finder(images).global_features
        return add_keypoints(found, images, self._preparation, self._detector, self._most)
