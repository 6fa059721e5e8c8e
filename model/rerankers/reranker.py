"""The interface of all re-rankers: the features that a map stores for one, and the scores of candidates."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.cell_grid import CellGrid
from model.matching import MatchingPrecision, MutualMatches
from model.network import NetworkConfig


@dataclass(frozen=True)
class LocalFeatures:
    """Hold the local features of one picture, or of several with as many features each.

    Attributes:
        features: ``(…, N, C)`` features of length 1, or codes (``model.codes``).
        extras: ``(…, N, E)`` float32, the numbers beside each feature; None if the network has none.
    """

    features: Tensor
    extras: Tensor | None = None

    def __iter__(self) -> Iterator["LocalFeatures"]:
        """Yield the local features of each picture, of several pictures."""
        for number, features in enumerate(self.features):
            yield LocalFeatures(features, None if self.extras is None else self.extras[number])


class LocalSource(Protocol):
    """Describe the local features that a network makes of a picture; ``model.encoder.Encoder`` is one."""

    @property
    def family(self) -> str:
        """Return the family of the network."""
        ...

    @property
    def config(self) -> NetworkConfig:
        """Return the shape of the network."""
        ...

    @property
    def device(self) -> torch.device:
        """Return the device of the features."""
        ...

    @property
    def local_dim(self) -> int:
        """Return the channels C of a local feature; 0 without local features."""
        ...

    @property
    def pair_network(self) -> nn.Module | None:
        """Return the network by which its method compares two pictures; None if it has none."""
        ...

    @property
    def cells(self) -> CellGrid:
        """Return where the local features lie in a picture."""
        ...

    @property
    def picture_size(self) -> tuple[int, int]:
        """Return height and width of a prepared picture, in pixels."""
        ...


@dataclass(frozen=True)
class RerankSettings:
    """Hold the parameters of a re-ranker.

    Attributes:
        precision: The precision of the products in matching.
        floor: The least cosine of a match; None for no limit, and for re-rankers that have no floor.
    """

    precision: MatchingPrecision = "exact"
    floor: float | None = None


class Reranker(ABC):
    """Compare a query with pictures of a map by local features, and give each picture a score.

    A map stores the local features of each picture for it, and names it. One pair of pictures is compared at a time,
    so pairs can be compared in any order and on any machine.

    Attributes:
        name: The name in manifests and of ``--reranker``.
        counts_pairs: Whether a score is a number of pairs of local features.
        has_floor: Whether pairs below a cosine may be left out.
        is_listwise: Whether a score depends on the other candidates of the query. ``rerank=auto`` and calibration need
            scores that do not.
        parts: The number of values that the comparison of one pair gives.
        without_pairs: The reason why ``pairs`` has none to show; None if it has.
        matcher: The instructions and numbers that it computes with.
    """

    name: ClassVar[str]
    counts_pairs: ClassVar[bool] = False
    has_floor: ClassVar[bool] = False
    is_listwise: bool = False
    parts: int = 1
    without_pairs: str | None = None

    def __init__(self, matcher: str) -> None:
        self.matcher = matcher

    @classmethod
    @abstractmethod
    def of(cls, source: LocalSource, settings: RerankSettings) -> Self:
        """Make the re-ranker for a network.

        Args:
            source: The network, which makes the local features of queries and of the map.
            settings: The parameters.

        Raises:
            InvalidInput: The network lacks features that the re-ranker needs.
        """

    @abstractmethod
    def compare(self, query: LocalFeatures, candidates: LocalFeatures) -> Tensor:
        """Compare a query with each of K candidates.

        Args:
            query: The local features of one picture, ``(L, C)``.
            candidates: The local features of K pictures, ``(K, M, C)``, on the same device.

        Returns:
            ``(K, parts)`` float64.
        """

    def scores(self, parts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of all compared candidates of a query: at least 0, and higher is better.

        Args:
            parts: ``(k, parts)``, the results of ``compare``. Without another method, the only column is the score.
        """
        return parts[:, 0]

    @abstractmethod
    def pairs(self, query: LocalFeatures, candidate: LocalFeatures) -> MutualMatches | None:
        """Return the pairs of cells that speak for a candidate; None if the method has none that can be shown.

        Args:
            query: The local features of one picture, ``(L, C)``.
            candidate: The local features of another, ``(M, C)``.
        """
