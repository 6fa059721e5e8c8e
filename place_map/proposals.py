"""The rows that an index proposes for a query: the same set, however the map is shared out.

An index of codes proposes the first rows by the distance of their codes, and then by row. Exact distances order them
afterwards. Each part of a map proposes as many rows as the whole map would, so the first of all of them are the
proposals of the whole map.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from place_map.reader import PlaceMap

NO_ROWS = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Nearest:
    """List pictures by their global distance to a query, the nearest first; at the same distance the lower row first.

    Attributes:
        rows: ``(k,)`` int64, rows of the map.
        distances: ``(k,)`` float32, Euclidean.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Proposals:
    """Hold the proposals of a map, or of a part of it, for one query.

    Attributes:
        rows: ``(n,)`` int64, in any order.
        code_distances: ``(n,)`` float32, the squared distances from the query to the codes. They equal ``distances``
            where all pictures are compared in full precision.
        distances: ``(n,)`` float32, Euclidean, to the stored features.
        most: The number of rows that a map proposes; n is smaller if the map or its part has fewer.
    """

    rows: NDArray[np.int64]
    code_distances: NDArray[np.float32]
    distances: NDArray[np.float32]
    most: int

    @classmethod
    def exact(cls, nearest: Nearest, most: int) -> Self:
        """Return the nearest rows as proposals."""
        return cls(nearest.rows, nearest.distances, nearest.distances, most)

    def nearest(self, count: int) -> Nearest:
        """Return the nearest ``count`` of the proposals, by exact distance and then by row."""
        order = np.lexsort((self.rows, self.distances))[:count]
        return Nearest(self.rows[order], self.distances[order])


NO_PROPOSALS = Proposals.exact(Nearest(NO_ROWS, np.empty(0, dtype=np.float32)), 0)


def first_by_code(rows: NDArray[np.int64], code_distances: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Return the positions ``(at most most,)`` of the first rows by code distance, and then by row."""
    return np.lexsort((rows, code_distances))[:most]


def merge_proposals(parts: Sequence[Proposals]) -> Proposals:
    """Return the proposals of a map from the proposals of its parts.

    Args:
        parts: The proposals of each part, for the same query; no row is in two of them.
    """
    rows = np.concatenate([part.rows for part in parts])
    code_distances = np.concatenate([part.code_distances for part in parts])
    distances = np.concatenate([part.distances for part in parts])
    most = max(part.most for part in parts)
    first = first_by_code(rows, code_distances, most)
    return Proposals(rows[first], code_distances[first], distances[first], most)


def nearest_of(place_map: PlaceMap, query: NDArray[np.float32], rows: NDArray[np.int64], k: int) -> Nearest:
    """Return the k nearest of some rows, by exact distance and then by row.

    Args:
        place_map: The map of the rows.
        query: ``(D,)`` global features.
        rows: ``(n,)``, in any order, without duplicates.
        k: The number of rows to return; all if there are fewer.
    """
    distances = exact_distances(place_map, query, rows)
    order = np.lexsort((rows, distances))[:k]
    return Nearest(rows[order], distances[order])


def exact_distances(place_map: PlaceMap, query: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the Euclidean distances ``(n,)`` from a query to some rows.

    Differences are computed in float64, and the distance is rounded to float32 at the end. It therefore does not depend
    on the order of summation, and pictures with equal features have equal distances.

    Args:
        place_map: The map of the rows.
        query: ``(D,)`` global features.
        rows: ``(n,)``, in any order.
    """
    differences = place_map.global_features(rows).astype(np.float64) - query
    distances: NDArray[np.float32] = np.sqrt(np.square(differences).sum(axis=1)).astype(np.float32)
    return distances
