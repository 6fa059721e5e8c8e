"""A search for pairs of near points on the Earth by a grid of cubes in space, in NumPy alone.

Positions become points in space, where the poles and the antimeridian are ordinary places, and where the nearest point
along the chord is the nearest along the ground. The neighbours of a point within a radius are in the eight cubes, twice
as wide as the radius, that a ball around the point can touch.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.geo import EARTH_RADIUS_M

SMALLEST_RADIUS_M = 1 / 32
GROWTH = 4.0
"""By how much the radius of a search grows as long as something is not found."""

_MOST_CROWDING = 4.0
_BLOCK_ROWS = 65_536
_BLOCK_PAIRS = 2_000_000  # 150 MB of temporary arrays
_CORNERS = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(8, 3)
# Odd numbers with many bits, so that cubes of one neighbourhood get different keys. Two distant cubes may share a key,
# which costs only vain comparisons.
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)


@dataclass(frozen=True)
class Pairs:
    """Hold pairs of points that may be near each other.

    Attributes:
        rows: ``(p,)`` requested points, ascending in their order.
        others: ``(p,)`` a candidate for each; the point itself is among them, and some may occur twice.
        squared_m2: ``(p,)`` squares of their distances in space.
        starts: ``(k,)`` the start of each point's pairs.
    """

    rows: NDArray[np.int64]
    others: NDArray[np.int64]
    squared_m2: NDArray[np.float64]
    starts: NDArray[np.int64]


class PointGrid:
    """Find pairs of points up to a radius.

    Args:
        points: ``(n, 3)`` metres.
        radius_m: The radius in space, at least ``SMALLEST_RADIUS_M``.
    """

    def __init__(self, points: NDArray[np.float64], radius_m: float) -> None:
        self._points = points
        self._radius_m = radius_m
        self._cell_m = (
            2 * radius_m * (1 + 1e-6)
        )  # slightly more, so that rounding never makes a ball touch a third cube
        keys = _keys(np.floor(points / self._cell_m).astype(np.int64))
        self._order = np.argsort(keys)
        self._sorted_points = points[self._order]
        self._keys, self._starts, self._counts = np.unique(keys[self._order], return_index=True, return_counts=True)

    @property
    def crowding(self) -> float:
        """Return the mean number of points in the cube of a point, including itself."""
        return float((self._counts.astype(np.float64) ** 2).sum() / len(self._points))

    def pairs(self, rows: NDArray[np.int64]) -> Iterator[Pairs]:
        """Yield all pairs up to the radius of some points, and other pairs, in pieces that fit into memory.

        Args:
            rows: ``(k,)`` numbers of points of the grid.
        """
        for first in range(0, len(rows), _BLOCK_ROWS):
            block = rows[first : first + _BLOCK_ROWS]
            starts, counts = self._cubes_around(self._points[block])
            ends = np.cumsum(counts.sum(axis=1))
            begin = 0
            while begin < len(block):
                before = ends[begin - 1] if begin else 0
                end = max(begin + 1, int(np.searchsorted(ends, before + _BLOCK_PAIRS, side="right")))
                yield self._expand(block[begin:end], starts[begin:end], counts[begin:end])
                begin = end

    def _cubes_around(self, points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return starts and numbers of the points in the eight cubes around each point; ``(k, 8)`` each."""
        lowest = np.floor((points - self._radius_m) / self._cell_m).astype(np.int64)
        keys = _keys(lowest[:, None, :] + _CORNERS)
        found = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return self._starts[found], np.where(self._keys[found] == keys, self._counts[found], 0)

    def _expand(self, rows: NDArray[np.int64], starts: NDArray[np.int64], counts: NDArray[np.int64]) -> Pairs:
        flat, per_row = counts.ravel(), counts.sum(axis=1)
        before = np.cumsum(flat) - flat
        places = np.arange(flat.sum()) + np.repeat(starts.ravel() - before, flat)
        repeated = np.repeat(rows, per_row)
        difference = self._sorted_points[places] - self._points[repeated]
        return Pairs(
            rows=repeated,
            others=self._order[places],
            squared_m2=np.einsum("ij,ij->i", difference, difference),
            starts=np.cumsum(per_row) - per_row,
        )


def first_radius_m(points: NDArray[np.float64]) -> float:
    """Return the first radius of a growing search: large enough for many points, with few points per cube."""
    radius_m = SMALLEST_RADIUS_M
    while radius_m < EARTH_RADIUS_M and PointGrid(points, GROWTH * radius_m).crowding <= _MOST_CROWDING:
        radius_m *= GROWTH
    return radius_m


def _keys(cubes: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a number for each cube ``(…, 3)``; equal cubes have equal numbers."""
    mixed = cubes.astype(np.uint64) * _FACTORS
    keys: NDArray[np.uint64] = mixed[..., 0] ^ mixed[..., 1] ^ mixed[..., 2]
    return keys
