"""The common part of the networks of other systems."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from model.errors import InvalidInput
from model.features import CellMap, Features
from model.network import Network
from model.plain_config import PlainConfig
from model.preprocess import Preprocessing
from model.selavpr.vision_transformer import Tokens


@dataclass(frozen=True)
class Localised:
    """Hold the local features of a batch of pictures.

    Attributes:
        features: ``(B, N, C)``, each of length 1.
        grid: Height and width of their grid, so that N = height × width.
        extras: ``(B, N, E)``, the numbers beside each feature; None without any.
    """

    features: Tensor
    grid: tuple[int, int]
    extras: Tensor | None = None


class DescriptorNetwork(Network):
    """Define a network with one global feature of a picture, and with local features if its method has some.

    Attributes:
        title: The name for people.
        side_multiple: The number that divides height and width of its input; 0 for a fixed size.
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

    def localise(self, seen: Any) -> Localised | None:  # noqa: ARG002
        """Return the local features of the output of ``backbone``: by default none."""
        return None

    def cells_of(self, seen: Any) -> CellMap:
        """Return the cells of the output of ``backbone``: by default of maps ``(B, C, H, W)``, or of tokens."""
        if isinstance(seen, Tokens):
            return CellMap(seen.patch_tokens, seen.grid)
        return CellMap(seen.flatten(2).transpose(1, 2), (seen.shape[2], seen.shape[3]))

    def cell_map(self, images: Tensor) -> CellMap:
        """Return the output of ``backbone``; see ``Network.cell_map``.

        Raises:
            InvalidInput: The network cannot take pictures of that size.
        """
        return self.cells_of(self.backbone(self.fit(images)))

    def forward(self, images: Tensor) -> Features:
        """Encode a batch of prepared pictures ``(B, 3, H, W)`` float32: descriptors of length 1.

        Raises:
            InvalidInput: The pictures have another shape, or a size that the network cannot take.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise InvalidInput(f"pictures must be (B, 3, H, W), not {tuple(images.shape)}")
        seen = self.backbone(self.fit(images))
        descriptors = F.normalize(self.aggregate(seen), dim=-1)
        found = self.localise(seen) or Localised(descriptors.new_zeros(len(images), 0, 0), (0, 0))
        return Features(descriptors, found.features, found.grid, found.extras)

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
