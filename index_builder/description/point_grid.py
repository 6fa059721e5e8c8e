"""Which points of the Earth lie near each other: a grid of cubes in space, in NumPy alone.

Positions become points in space, where neither the poles nor the antimeridian is a special place, and where the
nearest along the chord is the nearest along the ground. A point's neighbours up to a radius then lie in the eight
cubes, twice as wide as the radius, that a ball around it can touch.
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
# Odd numbers with bits all over: cubes of one neighbourhood get different keys. Two far ones may share a key, and then
# each is looked at in vain for the other.
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)


@dataclass(frozen=True)
class Pairs:
    """Points that may be near each other.

    Attributes:
        rows: ``(p,)`` points that were asked for, ascending in their order.
        others: ``(p,)`` a candidate for each; the point itself is among them, and some may come twice.
        squared_m2: ``(p,)`` squares of their distances in space.
        starts: ``(k,)`` where each point's pairs begin.
    """

    rows: NDArray[np.int64]
    others: NDArray[np.int64]
    squared_m2: NDArray[np.float64]
    starts: NDArray[np.int64]


class PointGrid:
    """Finds pairs of points up to a radius.

    Args:
        points: ``(n, 3)`` metres.
        radius_m: In space, at least ``SMALLEST_RADIUS_M``.
    """

    def __init__(self, points: NDArray[np.float64], radius_m: float) -> None:
        self._points = points
        self._radius_m = radius_m
        self._cell_m = 2 * radius_m * (1 + 1e-6)  # a hair more, so that rounding never makes a ball touch a third cube
        keys = _keys(np.floor(points / self._cell_m).astype(np.int64))
        self._order = np.argsort(keys)
        self._sorted_points = points[self._order]
        self._keys, self._starts, self._counts = np.unique(keys[self._order], return_index=True, return_counts=True)

    @property
    def crowding(self) -> float:
        """With how many points, itself included, a point shares its cube, on average."""
        return float((self._counts.astype(np.float64) ** 2).sum() / len(self._points))

    def pairs(self, rows: NDArray[np.int64]) -> Iterator[Pairs]:
        """All pairs up to the radius, and others, of some points; in pieces that fit into memory.

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
        """Where the points of the eight cubes around each point begin, and how many they are; ``(k, 8)`` each."""
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
    """The radius to begin a growing search with: so large that many find something, so small that cubes hold few."""
    radius_m = SMALLEST_RADIUS_M
    while radius_m < EARTH_RADIUS_M and PointGrid(points, GROWTH * radius_m).crowding <= _MOST_CROWDING:
        radius_m *= GROWTH
    return radius_m


def _keys(cubes: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A number for each cube ``(…, 3)``: the same for the same cube."""
    mixed = cubes.astype(np.uint64) * _FACTORS
    keys: NDArray[np.uint64] = mixed[..., 0] ^ mixed[..., 1] ^ mixed[..., 2]
    return keys
