"""The common part of networks with a global feature alone."""

from abc import abstractmethod
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from model.errors import InvalidInput
from model.features import Features
from model.network import Network
from model.plain_config import PlainConfig
from model.preprocess import Preprocessing


class DescriptorNetwork(Network):
    """Define a network that gives one global feature of a picture, and no local features.

    Attributes:
        title: The name for people.
        side_multiple: The number of which height and width of its input are multiples; 0 for a fixed size.
    """

    title: ClassVar[str]
    precisions = ("float32",)
    match_floor = None
    official_eval = Preprocessing.ANTIALIAS_WHOLE
    side_multiple = 1
    config: PlainConfig

    def __init__(self, config: PlainConfig, *, is_trained: bool) -> None:
        super().__init__()
        self.config = config
        self.is_trained = is_trained

    @abstractmethod
    def describe(self, images: Tensor) -> Tensor:
        """Return the descriptors ``(B, D)`` of prepared pictures, exactly as the method defines them."""

    def forward(self, images: Tensor) -> Features:
        """Encode a batch of prepared pictures ``(B, 3, H, W)`` float32: descriptors of length 1.

        Raises:
            InvalidInput: The pictures have another shape, or a size that the network cannot take.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise InvalidInput(f"pictures must be (B, 3, H, W), not {tuple(images.shape)}")
        descriptors = F.normalize(self.describe(images), dim=-1)
        return Features(descriptors, descriptors.new_zeros(len(descriptors), 0, 0), (0, 0))

    @property
    def local_dim(self) -> int:
        """Return 0: there are no local features."""
        return 0

    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:  # noqa: ARG002
        """Return the grid of no local features."""
        return 0, 0

    def facts(self) -> list[tuple[str, str]]:
        """Return labels and texts that describe its shape to people."""
        shape = ", ".join(f"{name} {value}".replace("_", " ") for name, value in self.config.to_dict().items())
        return [
            ("network", f"{self.title}: {shape}"),
            ("pictures", f"{self.needs.height} × {self.needs.width} pixels"),
            ("features", f"global {self.global_dim}; no local ones"),
        ]

    def part_of(self, name: str) -> str:
        """Return the part of a tensor of ``state_dict()``."""
        return "backbone" if name.startswith("backbone.") else "aggregation"
