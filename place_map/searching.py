"""The interface of every searcher of the shortlist, and the exact order of its answers.

Searchers compute distances differently: faiss and torch sum in another order, and faiss on a GPU rounds the query to
float16. Therefore a searcher only proposes some more rows than were requested. Their distances are computed again here
from the stored features, and the proposal is widened until no other row can belong to the answer.
"""

from dataclasses import dataclass
from math import ceil
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.errors import InvalidInput
from place_map.reader import PlaceMap

_SPARE_HITS = 16  # additional proposals, so that near ties at the end of the shortlist are usually seen at once
_GROWTH = 4
_MOST_HITS = 16_384  # with more exact ties than this at the end of a shortlist, the choice among them is undefined
_RELATIVE_ERROR = (
    1e-4  # relative error of a squared distance in float32, summed over 1024 squared differences, with a margin
)


@dataclass(frozen=True)
class SearchResult:
    """Hold the shortlists of B queries, nearest first; the lower row first if distances are equal.

    Attributes:
        distances: ``(B, k)`` float32, Euclidean, to the stored features.
        rows: ``(B, k)`` int64, rows of the map.
    """

    distances: NDArray[np.float32]
    rows: NDArray[np.int64]


class Searcher(Protocol):
    """Find the nearest pictures by their global features. It is not thread-safe: one thread owns it."""

    @property
    def name(self) -> str:
        """Return the name of the searcher: ``faiss-cpu``, ``faiss-gpu``, ``torch-cpu`` or ``torch-cuda``."""
        ...

    def search(self, queries: Tensor, k: int) -> SearchResult:
        """Return the k nearest pictures of each query, or all if the map has fewer.

        Args:
            queries: ``(B, D)`` global features, on any device.
            k: At least 1.

        Raises:
            InvalidInput: The shape is wrong, a value is not finite, or k is out of range.
        """
        ...


@dataclass(frozen=True)
class Hits:
    """Hold the proposals of a searcher for B queries.

    Attributes:
        squared_distances: ``(B, k)`` float32, ascending.
        rows: ``(B, k)`` int64; -1 if it found no more.
    """

    squared_distances: NDArray[np.float32]
    rows: NDArray[np.int64]


class Proposer(Protocol):
    """Define the part in which searchers differ.

    Attributes:
        name: The name for ``Searcher.name``.
        most_hits: The greatest number of rows that it can propose at once.
        proposals_per_hit: The number of proposals for each row that is needed; more than 1 if it compares codes.
        is_exhaustive: Whether it compares every row in full precision, so that all other rows are farther away.
    """

    name: str
    most_hits: int
    proposals_per_hit: float
    is_exhaustive: bool

    def propose(self, queries: NDArray[np.float32], count: int) -> Hits:
        """Return the nearest ``count`` rows of each query ``(B, D)``, within the precision of the proposer."""
        ...

    def absolute_error(self, query: NDArray[np.float32], distance: float, /) -> float:
        """Return the greatest error of a squared distance near ``distance``², beyond the rounding of float32 sums."""
        ...


def nearest_of(
    place_map: PlaceMap, query: NDArray[np.float32], rows: NDArray[np.int64], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the k nearest of some rows, by exact distance and then by row.

    Differences are computed in float64, and the distance is rounded to float32 at the end. It therefore does not depend
    on the order of summation, and pictures with equal features have equal distances.

    Args:
        place_map: The map of the rows.
        query: ``(D,)`` global features.
        rows: ``(n,)``, in any order, without duplicates.
        k: The number of rows to return.

    Returns:
        Distances and rows, ``(min(k, n),)`` each.
    """
    differences = place_map.global_features(rows).astype(np.float64) - query
    distances = np.sqrt(np.square(differences).sum(axis=1)).astype(np.float32)
    order = np.lexsort((rows, distances))[:k]
    return distances[order], rows[order]


class ExactSearcher:
    """Search with answers that do not depend on the proposer.

    Args:
        place_map: The map to search.
        proposer: The proposer of rows.
        fallback: The searcher for queries with fewer than k proposals, which inverted lists and graphs may give.
    """

    def __init__(self, place_map: PlaceMap, proposer: Proposer, fallback: Proposer | None = None) -> None:
        self._map = place_map
        self._proposer = proposer
        self._fallback = fallback

    @property
    def name(self) -> str:
        """Return the name of the proposer."""
        return self._proposer.name

    def search(self, queries: Tensor, k: int) -> SearchResult:
        """See ``Searcher.search``."""
        vectors = self._checked(queries)
        if k < 1:
            raise InvalidInput(f"a shortlist of {k} is empty; it must be at least 1")
        k = min(k, len(self._map))
        if k > self._proposer.most_hits:
            raise InvalidInput(
                f"a shortlist of {k} is longer than {self._proposer.most_hits}, the most that {self.name} can answer"
            )
        result = SearchResult(np.empty((len(vectors), k), np.float32), np.empty((len(vectors), k), np.int64))
        open_queries = np.arange(len(vectors))
        count = self._widened(ceil(k * self._proposer.proposals_per_hit) + _SPARE_HITS)
        while len(open_queries):
            hits = self._proposer.propose(vectors[open_queries], count)
            is_last = self._widened(count + 1) == count
            still_open = []
            for query, squared, rows in zip(open_queries, hits.squared_distances, hits.rows, strict=True):
                distances, ordered = nearest_of(self._map, vectors[query], rows[rows >= 0], k)
                if len(ordered) < k:
                    distances, ordered = self._answer_otherwise(vectors[query], k)
                elif not is_last and not self._is_complete(vectors[query], distances[-1], squared[-1]):
                    still_open.append(query)
                result.distances[query], result.rows[query] = distances, ordered
            open_queries = np.array(still_open, dtype=np.int64)
            count = self._widened(count * _GROWTH)
        return result

    def _widened(self, count: int) -> int:
        return min(count, len(self._map), self._proposer.most_hits, _MOST_HITS)

    def _is_complete(self, query: NDArray[np.float32], farthest: float, proposed_squared: float) -> bool:
        """Return whether all other rows are farther away than the last row of the answer."""
        if not self._proposer.is_exhaustive:
            return True
        error = _RELATIVE_ERROR * proposed_squared + self._proposer.absolute_error(query, farthest)
        return float(farthest) ** 2 < proposed_squared - error

    def _answer_otherwise(self, query: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Answer a query for which the proposer found fewer than k rows."""
        if self._fallback is None:
            raise AssertionError(f"{self.name} found fewer than {k} of {len(self._map)} pictures")
        fallback = ExactSearcher(self._map, self._fallback)
        answer = fallback.search(torch.from_numpy(query[None]), k)
        return answer.distances[0], answer.rows[0]

    def _checked(self, queries: Tensor) -> NDArray[np.float32]:
        width = self._map.manifest.features.global_dim
        if queries.ndim != 2 or queries.shape[1] != width:
            raise InvalidInput(f"queries must be (B, {width}), not {tuple(queries.shape)}")
        vectors: NDArray[np.float32] = queries.detach().to("cpu", torch.float32).contiguous().numpy()
        if not np.isfinite(vectors).all():
            raise InvalidInput("a query contains NaN or infinity")
        return vectors
