"""How near the next picture is; exact, and without a look at all pairs."""

import numpy as np
from numpy.typing import NDArray

from model.geo import arc_m, points_in_space
from model.point_grid import GROWTH, PointGrid, first_radius_m


def nearest_distances_m(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Great-circle distance of every picture to the nearest other one; exact.

    A search with a growing radius: whoever has a neighbour within the radius is done. Those that are left at a radius
    lie apart from each other, so that there are few of them wherever the pictures are many.

    Args:
        latitudes: ``(n,)`` degrees.
        longitudes: ``(n,)`` degrees.

    Returns:
        ``(n,)`` metres; 0 where two were taken at the same place, infinity for a picture that is alone.
    """
    order, starts = same_position(latitudes, longitudes)
    counts = np.diff(starts, append=len(order))
    representatives = order[starts]
    among_distinct = _nearest_of_distinct(points_in_space(latitudes[representatives], longitudes[representatives]))
    result = np.empty(len(order))
    result[order] = np.repeat(np.where(counts > 1, 0.0, among_distinct), counts)
    return result


def spacing_m(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> float:
    """Return the median distance of a position to the nearest other one at which there are pictures.

    Pictures at one position, such as those of a camera that was turned round, count once.

    Args:
        latitudes: ``(n,)`` degrees, at least one.
        longitudes: ``(n,)`` degrees.

    Returns:
        Metres; infinity where all pictures were taken at one position.
    """
    order, starts = same_position(latitudes, longitudes)
    representatives = order[starts]
    points = points_in_space(latitudes[representatives], longitudes[representatives])
    return float(np.median(_nearest_of_distinct(points)))


def same_position(
    latitudes: NDArray[np.float64], longitudes: NDArray[np.float64], then_by: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return an order in which equal positions follow each other, and where in it each position begins."""
    order = np.lexsort((longitudes, latitudes) if then_by is None else (then_by, longitudes, latitudes))
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (np.diff(latitudes[order]) != 0) | (np.diff(longitudes[order]) != 0)
    return order, np.flatnonzero(is_new)


def _nearest_of_distinct(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return as ``nearest_distances_m``, of ``(n, 3)`` points of which no two are the same."""
    squared_m2 = np.full(len(points), np.inf)
    if len(points) == 1:
        return squared_m2
    waiting, radius_m = np.arange(len(points)), first_radius_m(points)
    while len(waiting):
        grid = PointGrid(points, radius_m)
        for pairs in grid.pairs(waiting):
            of_others = np.where(pairs.rows == pairs.others, np.inf, pairs.squared_m2)
            squared_m2[pairs.rows[pairs.starts]] = np.minimum.reduceat(of_others, pairs.starts)
        # What was found beyond the radius need not be the nearest: cubes reach farther than the ball, but not evenly.
        waiting = waiting[squared_m2[waiting] > radius_m**2]
        radius_m *= GROWTH
    return arc_m(np.sqrt(squared_m2))
