"""The common part of networks with a global feature alone."""

from abc import abstractmethod
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from model.errors import InvalidInput
from model.features import Features
from model.network import Network
from model.plain_config import PlainConfig
from model.preprocess import Preprocessing


class DescriptorNetwork(Network):
    """Define a network whose method has one global feature of a picture, and no local features.

    Attributes:
        title: The name for people.
        side_multiple: The number of which height and width of its input are multiples; 0 for a fixed size.
    """

    title: ClassVar[str]
    precisions = ("float32",)
    match_floor: float | None = None
    official_eval = Preprocessing.ANTIALIAS_WHOLE
    side_multiple = 1
    config: PlainConfig
    backbone: nn.Module

    def __init__(self, config: PlainConfig, *, is_trained: bool) -> None:
        super().__init__()
        self.config = config
        self.is_trained = is_trained

    @abstractmethod
    def aggregate(self, seen: Any) -> Tensor:
        """Return the descriptors ``(B, D)``, exactly as the method defines them, of the output of ``backbone``."""

    def fit(self, images: Tensor) -> Tensor:
        """Return pictures of a size that ``backbone`` can take.

        Raises:
            InvalidInput: The network cannot take pictures of that size.
        """
        return images

    def describe(self, images: Tensor) -> Tensor:
        """Return the descriptors ``(B, D)`` of prepared pictures ``(B, 3, H, W)``, exactly as the method defines them.

        Raises:
            InvalidInput: The network cannot take pictures of that size.
        """
        return self.aggregate(self.backbone(self.fit(images)))

    def localise(self, seen: Any) -> tuple[Tensor, tuple[int, int]] | None:  # noqa: ARG002
        """Return local features ``(B, N, C)`` and their grid, of the output of ``backbone``: by default none."""
        return None

    def forward(self, images: Tensor) -> Features:
        """Encode a batch of prepared pictures ``(B, 3, H, W)`` float32: descriptors of length 1.

        Raises:
            InvalidInput: The pictures have another shape, or a size that the network cannot take.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise InvalidInput(f"pictures must be (B, 3, H, W), not {tuple(images.shape)}")
        seen = self.backbone(self.fit(images))
        descriptors = F.normalize(self.aggregate(seen), dim=-1)
        local_features, grid = self.localise(seen) or (descriptors.new_zeros(len(images), 0, 0), (0, 0))
        return Features(descriptors, local_features, grid)

    @property
    def local_dim(self) -> int:
        """Return 0, because there are no local features."""
        return 0

    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:  # noqa: ARG002
        """Return the grid of no local features."""
        return 0, 0

    def facts(self) -> list[tuple[str, str]]:
        """Return labels and texts that describe its shape to people."""
        shape = ", ".join(f"{name} {value}".replace("_", " ") for name, value in self.config.to_dict().items())
        grid = self.local_grid(self.needs.size)
        local = f"local {grid[0]} × {grid[1]} of {self.local_dim}" if self.local_dim else "no local ones"
        return [
            ("network", f"{self.title}: {shape}"),
            ("pictures", f"{self.needs.height} × {self.needs.width} pixels"),
            ("features", f"global {self.global_dim}; {local}"),
        ]

    def part_of(self, name: str) -> str:
        """Return the part of a tensor of ``state_dict()``."""
        return "backbone" if name.startswith("backbone.") else "aggregation"
