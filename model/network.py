"""The interface of all families of networks: a shape, a preparation of pictures, and two kinds of features."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn

from model.errors import InvalidInput
from model.features import CellMap, Features
from model.network_precision import NetworkPrecision
from model.preprocess import Preparation, Preprocessing

MUTUAL_MATCHES = "mutual-matches"
"""The name of the paper's re-ranker, which fits any local features."""


class NetworkConfig(Protocol):
    """Define the shape of a network, without its weights."""

    def to_dict(self) -> dict[str, Any]:
        """Return the shape as plain values, for a map and for a file's metadata."""


class Network(nn.Module, ABC):
    """Define a network that makes features of pictures.

    Attributes:
        family: The name in maps and weights files; see ``model.families``.
        needs: The preparation of its pictures, at the size of its training.
        precisions: The arithmetics that keep its features, to a cosine of 0.9995; in int8, to one of 0.999.
        official_eval: The way in which its authors resized pictures for their measurements.
        reranker: The name of its method's re-ranker (``model.rerankers``).
        local_extras: E, the numbers beside each local feature that this re-ranker needs.
        match_floor: The least cosine of a match of two local features; None for no limit.
        config: The shape of the network.
        is_trained: Whether the network is trained, so that re-ranking has a meaning.
        weights_licence: The licence of all published weights of the family; None if that differs from file to file.
    """

    family: ClassVar[str]
    weights_licence: ClassVar[str | None] = None
    needs: Preparation
    precisions: ClassVar[tuple[NetworkPrecision, ...]]
    official_eval: ClassVar[Preprocessing] = Preprocessing.OFFICIAL_EVAL
    reranker: str = MUTUAL_MATCHES
    local_extras: int = 0
    match_floor: float | None
    config: NetworkConfig
    is_trained: bool

    @property
    @abstractmethod
    def side_multiple(self) -> int:
        """Return the number that height and width of its input are multiples of; 0 if the size is fixed."""

    @property
    @abstractmethod
    def global_dim(self) -> int:
        """Return the width D of a global feature."""

    @property
    @abstractmethod
    def local_dim(self) -> int:
        """Return the channels C of a local feature; 0 without local features."""

    @property
    def pair_network(self) -> nn.Module | None:
        """Return the part by which its method's re-ranker compares two pictures; None, the default, if it has none."""
        return None

    @abstractmethod
    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of the grid of local features for pictures of a size."""

    def patch_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return rows and columns of the patches that the local features lie over, of pictures of a size.

        By default each local feature has a patch of its own; ``model.cell_grid`` says where the others lie.
        """
        return self.local_grid(size)

    @abstractmethod
    def forward(self, images: Tensor) -> Features:
        """Encode a batch of prepared pictures ``(B, 3, H, W)`` float32."""

    @abstractmethod
    def cell_map(self, images: Tensor) -> CellMap:
        """Return the last map before pooling of a batch of prepared pictures ``(B, 3, H, W)`` float32."""

    def shares(self, images: Tensor) -> Tensor | None:  # noqa: ARG002
        """Say how much each part of a picture weighs in its global feature.

        Args:
            images: ``(B, 3, H, W)``, prepared as for ``forward``.

        Returns:
            ``(B, rows, columns)`` of ``patch_grid``, float32, at least 0, with a sum of 1 for each picture. None if the
            global feature is not a mean over the picture, which is the default.
        """
        return None

    @abstractmethod
    def facts(self) -> list[tuple[str, str]]:
        """Return labels and texts with the facts about the shape that people want to know."""

    @abstractmethod
    def part_of(self, name: str) -> str:
        """Return the part of a tensor of ``state_dict()``, for people who count parameters."""

    def preparation(
        self, preprocessing: Preprocessing = Preprocessing.ANTIALIAS, size: tuple[int, int] | None = None
    ) -> Preparation:
        """Return the preparation of its pictures.

        Args:
            preprocessing: The way of decoding and resizing; ``official_eval`` replaces ``OFFICIAL_EVAL``.
            size: Height and width of its input; by default the sizes of its training.

        Raises:
            InvalidInput: The network does not take pictures of that size.
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
        if preprocessing is Preprocessing.OFFICIAL_EVAL:
            preprocessing = self.official_eval
        return replace(self.needs, height=height, width=width, preprocessing=preprocessing)


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
