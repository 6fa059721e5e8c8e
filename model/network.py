"""What every network has, whatever its family: a shape, a preparation of pictures, and two kinds of features."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn

from model.errors import InvalidInput
from model.features import Features
from model.network_precision import NetworkPrecision
from model.preprocess import Preparation, Preprocessing


class NetworkConfig(Protocol):
    """The shape of a network: everything that is needed to build one, and nothing about its weights."""

    def to_dict(self) -> dict[str, Any]:
        """Return the shape as plain values, for a map and for a file's metadata."""


class Network(nn.Module, ABC):
    """A network that makes features of pictures.

    Attributes:
        family: Its name in maps and weights files; see ``model.families``.
        needs: The preparation that its pictures need, at the size that it was trained with.
        precisions: In which arithmetics its features stay the same, to a cosine of 0.9995.
        match_floor: The cosine below which two of its local features are no match; None if all of them may be.
        config: Its shape.
        is_trained: Whether re-ranking by its local features means anything.
    """

    family: ClassVar[str]
    needs: ClassVar[Preparation]
    precisions: ClassVar[tuple[NetworkPrecision, ...]]
    match_floor: ClassVar[float | None]
    config: NetworkConfig
    is_trained: bool

    @property
    @abstractmethod
    def side_multiple(self) -> int:
        """Return what height and width of its input are multiples of; 0 if the size cannot be chosen."""

    @property
    @abstractmethod
    def global_dim(self) -> int:
        """Return the width D of a global feature."""

    @property
    @abstractmethod
    def local_dim(self) -> int:
        """Return the channels C of a local feature; 0 without local features."""

    @abstractmethod
    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of the grid of local features of pictures of a size."""

    def patch_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return rows and columns of the patches that the local features lie over, of pictures of a size.

        By default each local feature has a patch of its own; ``model.cell_grid`` says where the others lie.
        """
        return self.local_grid(size)

    @abstractmethod
    def forward(self, images: Tensor) -> Features:
        """Encode a batch of prepared pictures ``(B, 3, H, W)`` float32."""

    @abstractmethod
    def facts(self) -> list[tuple[str, str]]:
        """Return what people want to know of its shape: labels and texts."""

    @abstractmethod
    def part_of(self, name: str) -> str:
        """Return the part that a tensor of ``state_dict()`` belongs to, for people who count parameters."""

    def preparation(
        self, preprocessing: Preprocessing = Preprocessing.ANTIALIAS, size: tuple[int, int] | None = None
    ) -> Preparation:
        """Return what becomes of its pictures.

        Args:
            preprocessing: How they are decoded and resized.
            size: Height and width of its input; by default those that it was trained with.

        Raises:
            InvalidInput: The network cannot take pictures of that size.
        """
        height, width = size or self.needs.size
        if (height, width) != self.needs.size:
            multiple = self.side_multiple
            if not multiple:
                raise InvalidInput(
                    f"a network of the family {self.family} takes pictures of {_text(self.needs.size)} pixels, not "
                    f"{_text((height, width))}: leave --input-size out"
                )
            if height < multiple or width < multiple or height % multiple or width % multiple:
                raise InvalidInput(
                    f"--input-size {_text((height, width))}: height and width must be multiples of {multiple}, such as "
                    f"{_text(self.needs.size)}"
                )
        return replace(self.needs, height=height, width=width, preprocessing=preprocessing)


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
