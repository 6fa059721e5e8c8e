"""A search for pairs of pictures that were taken near each other, as blocks of a matrix of features.

Positions become points on the mean sphere, in metres from its centre, and fall into cubes at least as wide as the
radius. Near pictures are in the same cube, or in one of the 26 cubes around it. The date line and the poles need no
special treatment.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidInput
from model.geo import EARTH_RADIUS_M, LatLon, chord_m, distances_m, points_in_space

MAX_RADIUS_M = 10_000.0
_MIN_CUBE_M = 10.0  # keeps the number of a cube below 2^21 in each direction, so that three numbers fit into 63 bits
_BITS = 21
_MARGIN_M = 0.01 * EARTH_RADIUS_M  # cubes are counted from outside of the Earth, so no neighbour is below zero
_ROWS_AT_A_TIME, _OTHERS_AT_A_TIME = 512, 4096  # 17 MB for each matrix of float64
_UNCERTAINTY_M = 1e-6  # a thousand times the rounding of a chord between points of 6,371 km


@dataclass(frozen=True)
class NearBlock:
    """Hold some pictures, and others near them.

    Attributes:
        rows: ``(k,)`` int64, no row twice.
        others: ``(m,)`` int64, no row twice.
        near: ``(k, m)`` bool, whether two pictures are within the radius of each other; false for a picture and itself.
    """

    rows: NDArray[np.int64]
    others: NDArray[np.int64]
    near: NDArray[np.bool_]


def near_blocks(
    latitudes: NDArray[np.float64], longitudes: NDArray[np.float64], radius_m: float
) -> Iterator[NearBlock]:
    """Yield every pair of pictures within a radius, in blocks of bounded size.

    Args:
        latitudes: ``(n,)`` degrees.
        longitudes: ``(n,)`` degrees.
        radius_m: The radius in [0, 10,000], inclusive. ``model.geo`` defines the distance.

    Yields:
        Blocks with at least one near pair. A pair occurs as row and other, in both orders if the two share a cube.

    Raises:
        InvalidInput: The radius is out of its range.
    """
    if not isfinite(radius_m) or not 0 <= radius_m <= MAX_RADIUS_M:
        raise InvalidInput(f"the radius is {radius_m} m; it must be in [0, {MAX_RADIUS_M:,.0f}]")
    points = points_in_space(latitudes, longitudes)
    limit_m = chord_m(radius_m)
    for all_rows, all_others in _cubes(points, max(_MIN_CUBE_M, radius_m * (1 + 1e-9))):
        for rows in _pieces(all_rows, _ROWS_AT_A_TIME):
            for others in _pieces(all_others, _OTHERS_AT_A_TIME):
                chords_m = _chords_m(points[rows], points[others])
                near = chords_m <= limit_m
                unsure = np.abs(chords_m - limit_m) <= _UNCERTAINTY_M
                for line in np.flatnonzero(unsure.any(axis=1)):
                    columns = np.flatnonzero(unsure[line])
                    origin = LatLon(float(latitudes[rows[line]]), float(longitudes[rows[line]]))
                    there = others[columns]
                    near[line, columns] = distances_m(origin, latitudes[there], longitudes[there]) <= radius_m
                near &= rows[:, None] != others[None, :]
                if near.any():
                    yield NearBlock(rows, others, near)


def _cubes(points: NDArray[np.float64], side_m: float) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the rows of each cube, with the rows of the cube itself and of the half of its neighbours after it."""
    numbers = np.floor((points + EARTH_RADIUS_M + _MARGIN_M) / side_m).astype(np.int64)
    keys = (numbers[:, 0] << 2 * _BITS) + (numbers[:, 1] << _BITS) + numbers[:, 2]
    order = np.argsort(keys, kind="stable")
    cubes, starts = np.unique(keys[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    steps = [(x << 2 * _BITS) + (y << _BITS) + z for x, y, z in product((-1, 0, 1), repeat=3) if (x, y, z) >= (0, 0, 0)]
    found = np.stack([np.searchsorted(cubes, cubes + step) for step in steps], axis=1)
    inside = np.minimum(found, len(cubes) - 1)
    is_there = cubes[inside] == cubes[:, None] + np.array(steps)
    for cube in np.flatnonzero((is_there.sum(axis=1) > 1) | (ends - starts > 1)):
        around = inside[cube][is_there[cube]]
        others = np.concatenate([order[starts[each] : ends[each]] for each in around])
        yield order[starts[cube] : ends[cube]], others


def _pieces(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _chords_m(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = np.zeros((len(points), len(others)))
    for axis in range(3):
        squares += np.square(points[:, axis, None] - others[None, :, axis])
    return np.asarray(np.sqrt(squares), dtype=np.float64)
