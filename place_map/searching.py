"""The interface of every searcher of the shortlist, and the exact order of its answers.

Searchers compute distances differently: faiss and torch sum in another order, and faiss on a GPU rounds the query to
float16. Therefore a searcher only proposes some more rows than were requested. Their distances are computed again here
from the stored features. A proposal is widened until no other row can belong to the answer, or for codes, until no
other row can belong to the proposals (``proposals``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.errors import InvalidInput
from place_map.proposals import NO_ROWS, Proposals, exact_distances, first_by_code, nearest_of
from place_map.reader import PlaceMap
from place_map.search_effort import PROPOSALS_BY_BITS

# Additional rows, so that near ties at the end of a shortlist or of proposals are usually seen at once.
_SPARE_HITS = 16
_GROWTH = 4
_MOST_HITS = 16_384  # with more exact ties than this at the end of a shortlist, the choice among them is undefined
_RELATIVE_ERROR = (
    1e-4  # relative error of a squared distance in float32, summed over 1024 squared differences, with a margin
)

Coverage = Literal["all", "codes", "some"]
"""The rows that a proposer compares.

``all``: it compares every row in full precision, so all other rows are farther away than its proposals. ``codes``: it
compares a code of every row, by a distance that depends on the query and the code alone. ``some``: it passes over rows.
"""


@dataclass(frozen=True)
class SearchResult:
    """Hold the shortlists of B queries, nearest first; the lower row first if distances are equal.

    Attributes:
        distances: ``(B, k)`` float32, Euclidean, to the stored features.
        rows: ``(B, k)`` int64, rows of the map.
    """

    distances: NDArray[np.float32]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, found: Sequence[Proposals], k: int) -> Self:
        """Return the k nearest of the proposals for each query, which must have so many."""
        nearest = [each.nearest(k) for each in found]
        shape = (len(found), k)
        return cls(
            np.array([each.distances for each in nearest], np.float32).reshape(shape),
            np.array([each.rows for each in nearest], np.int64).reshape(shape),
        )


class Searcher(Protocol):
    """Find the nearest pictures by their global features. It is not thread-safe: one thread owns it."""

    @property
    def name(self) -> str:
        """Return the name of the searcher: ``faiss-cpu``, ``faiss-gpu``, ``torch-cpu`` or ``torch-cuda``."""
        ...

    @property
    def rule(self) -> str:
        """Return the rule by which rows are proposed: searchers of the parts of a map need the same one."""
        ...

    def propose(self, queries: Tensor, k: int, without: NDArray[np.int64] = NO_ROWS) -> list[Proposals]:
        """Return the proposals for the k nearest pictures of each query.

        Args:
            queries: ``(B, D)`` global features, on any device.
            k: At least 1.
            without: ``(m,)`` rows of the map that are left out, as if the map did not have them.

        Raises:
            InvalidInput: The shape is wrong, a value is not finite, or k is out of range.
        """
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


def most_proposals(k: int) -> int:
    """Return the greatest number of rows that an index of codes proposes for the k nearest."""
    return ceil(k * max(factor for _, factor in PROPOSALS_BY_BITS)) + _SPARE_HITS


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
        coverage: The rows that it compares.
        rounding: A digest of the distances to some codes, which differs where a processor rounds differently; empty if
            it is unknown, or makes no difference.
    """

    name: str
    most_hits: int
    proposals_per_hit: float
    coverage: Coverage
    rounding: str

    def propose(self, queries: NDArray[np.float32], count: int) -> Hits:
        """Return the nearest ``count`` rows of each query ``(B, D)``, within the precision of the proposer."""
        ...

    def absolute_error(self, query: NDArray[np.float32], distance: float, /) -> float:
        """Return the greatest error of a squared distance near ``distance``², beyond the rounding of float32 sums."""
        ...


@dataclass(frozen=True, slots=True)
class _Request:
    """Hold a request to a proposer.

    Attributes:
        k: The number of nearest pictures that were asked for.
        wanted: The number of them that there are.
        most: The number of rows that are proposed, if there are so many.
        without: ``(m,)`` rows that are left out.
        first: The number of rows that the proposer is asked for at first.
        limit: The greatest number of rows that it is asked for.
    """

    k: int
    wanted: int
    most: int
    without: NDArray[np.int64]
    first: int
    limit: int


class ExactSearcher:
    """Search with exact distances: a proposer chooses the rows, and does not order them.

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

    @property
    def rule(self) -> str:
        """See ``Searcher.rule``."""
        return f"{self._proposer.coverage} {self._proposer.rounding}".strip()

    def search(self, queries: Tensor, k: int) -> SearchResult:
        """See ``Searcher.search``."""
        return SearchResult.of(self.propose(queries, k), min(k, len(self._map)))

    def propose(self, queries: Tensor, k: int, without: NDArray[np.int64] = NO_ROWS) -> list[Proposals]:
        """See ``Searcher.propose``."""
        vectors = self._checked(queries)
        request = self._request(k, np.unique(without))
        found: dict[int, Proposals] = {}
        count = request.first
        while open_queries := [number for number in range(len(vectors)) if number not in found]:
            hits = self._proposer.propose(vectors[open_queries], count)
            for number, squared, rows in zip(open_queries, hits.squared_distances, hits.rows, strict=True):
                settled = self._settled(vectors[number], squared, rows, request, is_last=count == request.limit)
                if settled is not None:
                    found[number] = settled
            count = min(count * _GROWTH, request.limit)
        return [found[number] for number in range(len(vectors))]

    def _request(self, k: int, without: NDArray[np.int64]) -> _Request:
        if k < 1:
            raise InvalidInput(f"a shortlist of {k} is empty; it must be at least 1")
        wanted = min(k, len(self._map) - len(without))
        most_hits = min(len(self._map), self._proposer.most_hits)
        if wanted + len(without) > most_hits:
            raise InvalidInput(
                f"a shortlist of {wanted + len(without)} is longer than {most_hits}, the most that {self.name} can "
                "answer"
            )
        proposed = ceil(k * self._proposer.proposals_per_hit) + _SPARE_HITS
        if self._proposer.coverage == "codes":
            first = min(proposed + _SPARE_HITS + len(without), most_hits)
            return _Request(k, wanted, proposed, without, first, most_hits)
        first = min(proposed + len(without), most_hits)
        return _Request(k, wanted, k, without, first, min(max(first, _MOST_HITS), most_hits))

    def _settled(
        self,
        query: NDArray[np.float32],
        squared: NDArray[np.float32],
        rows: NDArray[np.int64],
        request: _Request,
        *,
        is_last: bool,
    ) -> Proposals | None:
        """Return the proposals for a query ``(D,)``; None if the proposer has to be asked for more rows.

        Args:
            query: The query.
            squared: The squared distances ``(count,)`` of the proposer, ascending.
            rows: Its rows ``(count,)``; -1 if it found no more.
            request: The request.
            is_last: Whether it cannot be asked for more.
        """
        is_allowed = (rows >= 0) & ~np.isin(rows, request.without)
        allowed = rows[is_allowed]
        if self._proposer.coverage == "codes":
            by_code, most = squared[is_allowed], request.most
            # The last row may have the code distance of others that were not returned.
            if not is_last and (len(allowed) < most or by_code[most - 1] == squared[-1]):
                return None
            first = first_by_code(allowed, by_code, most)
            allowed, by_code = allowed[first], by_code[first]
            return Proposals(allowed, by_code, exact_distances(self._map, query, allowed), most)
        nearest = nearest_of(self._map, query, allowed, request.wanted)
        if len(nearest.rows) < request.wanted:
            return self._answer_otherwise(query, request)
        if request.wanted and not is_last and not self._is_complete(query, nearest.distances[-1], squared[-1]):
            return None
        return Proposals.exact(nearest, request.most)

    def _is_complete(self, query: NDArray[np.float32], farthest: float, proposed_squared: float) -> bool:
        """Return whether all other rows are farther away than the last row of the answer."""
        if self._proposer.coverage == "some":
            return True
        error = _RELATIVE_ERROR * proposed_squared + self._proposer.absolute_error(query, farthest)
        return float(farthest) ** 2 < proposed_squared - error

    def _answer_otherwise(self, query: NDArray[np.float32], request: _Request) -> Proposals:
        """Answer a query for which the proposer found too few rows."""
        if self._fallback is None:
            raise AssertionError(f"{self.name} found fewer than {request.wanted} of {len(self._map)} pictures")
        fallback = ExactSearcher(self._map, self._fallback)
        return fallback.propose(torch.from_numpy(query[None]), request.k, request.without)[0]

    def _checked(self, queries: Tensor) -> NDArray[np.float32]:
        width = self._map.manifest.features.global_dim
        if queries.ndim != 2 or queries.shape[1] != width:
            raise InvalidInput(f"queries must be (B, {width}), not {tuple(queries.shape)}")
        vectors: NDArray[np.float32] = queries.detach().to("cpu", torch.float32).contiguous().numpy()
        if not np.isfinite(vectors).all():
            raise InvalidInput("a query contains NaN or infinity")
        return vectors
