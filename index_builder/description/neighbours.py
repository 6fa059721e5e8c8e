"""The distance to the nearest picture, and whether another picture has the same view."""

import numpy as np
from numpy.typing import NDArray

from index_builder.description.point_grid import GROWTH, PointGrid, first_radius_m
from model.geo import arc_m, chord_m, points_in_space, turns_deg

WITHIN_M = 25.0
WITHIN_DEG = 40.0
"""The field's limits of the same view, as in MSLS: 25 m and 40°."""


def nearest_distances_m(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the exact great-circle distance of every picture to the nearest other one.

    The search has a growing radius: a picture with a neighbour within the radius is finished. The remaining pictures
    are far from each other, so dense areas have few of them.

    Args:
        latitudes: ``(n,)`` degrees.
        longitudes: ``(n,)`` degrees.

    Returns:
        ``(n,)`` metres; 0 if two have the same position, infinity for a single picture.
    """
    order, starts = _same_position(latitudes, longitudes)
    counts = np.diff(starts, append=len(order))
    representatives = order[starts]
    among_distinct = _nearest_of_distinct(points_in_space(latitudes[representatives], longitudes[representatives]))
    result = np.empty(len(order))
    result[order] = np.repeat(np.where(counts > 1, 0.0, among_distinct), counts)
    return result


def have_same_view(
    latitudes: NDArray[np.float64],
    longitudes: NDArray[np.float64],
    headings_deg: NDArray[np.float64],
    within_m: float = WITHIN_M,
    within_deg: float = WITHIN_DEG,
) -> NDArray[np.bool_]:
    """Return which pictures have another one near them with about the same direction.

    Args:
        latitudes: ``(n,)`` degrees.
        longitudes: ``(n,)`` degrees.
        headings_deg: ``(n,)`` in [0, 360); NaN if unknown.
        within_m: The greatest distance of the other, inclusive.
        within_deg: The greatest angle between the two, inclusive.

    Returns:
        ``(n,)``; False if the picture's own heading is unknown.
    """
    result = np.zeros(len(latitudes), dtype=np.bool_)
    known = np.flatnonzero(np.isfinite(headings_deg))
    if len(known) < 2:
        return result
    latitudes, longitudes, headings_deg = latitudes[known], longitudes[known], headings_deg[known]
    order, starts = _same_position(latitudes, longitudes, headings_deg)
    seen = np.zeros(len(known), dtype=np.bool_)
    seen[order] = _next_to_each_other(headings_deg[order], starts, within_deg)
    points = points_in_space(latitudes, longitudes)
    limit_m = chord_m(within_m)
    radius_m = min(limit_m, first_radius_m(points[order[starts]]))
    while not seen.all():
        grid = PointGrid(points, radius_m)
        for pairs in grid.pairs(np.flatnonzero(~seen)):
            turn_deg = turns_deg(headings_deg[pairs.rows], headings_deg[pairs.others])
            is_same = (pairs.squared_m2 <= limit_m**2) & (turn_deg <= within_deg) & (pairs.rows != pairs.others)
            seen[pairs.rows[is_same]] = True
        if radius_m == limit_m:
            break
        radius_m = min(limit_m, GROWTH * radius_m)
    result[known] = seen
    return result


def _nearest_of_distinct(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``nearest_distances_m`` for ``(n, 3)`` distinct points."""
    squared_m2 = np.full(len(points), np.inf)
    if len(points) == 1:
        return squared_m2
    waiting, radius_m = np.arange(len(points)), first_radius_m(points)
    while len(waiting):
        grid = PointGrid(points, radius_m)
        for pairs in grid.pairs(waiting):
            of_others = np.where(pairs.rows == pairs.others, np.inf, pairs.squared_m2)
            squared_m2[pairs.rows[pairs.starts]] = np.minimum.reduceat(of_others, pairs.starts)
        # A point beyond the radius need not be the nearest, because cubes extend unevenly beyond the ball.
        waiting = waiting[squared_m2[waiting] > radius_m**2]
        radius_m *= GROWTH
    return arc_m(np.sqrt(squared_m2))


def _same_position(
    latitudes: NDArray[np.float64], longitudes: NDArray[np.float64], then_by: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return an order in which equal positions are consecutive, and the start of each position in it."""
    order = np.lexsort((longitudes, latitudes) if then_by is None else (then_by, longitudes, latitudes))
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (np.diff(latitudes[order]) != 0) | (np.diff(longitudes[order]) != 0)
    return order, np.flatnonzero(is_new)


def _next_to_each_other(
    headings_deg: NDArray[np.float64], starts: NDArray[np.int64], within_deg: float
) -> NDArray[np.bool_]:
    """Return which headings have another within reach in their group; groups are ascending runs that begin at
    ``starts``.

    In a circle the nearest heading is the one before or after, so a thousand pictures of a fixed camera need only a
    thousand comparisons.
    """
    sizes = np.diff(starts, append=len(headings_deg))
    after = np.arange(1, len(headings_deg) + 1)
    after[starts + sizes - 1] = starts
    is_near = turns_deg(headings_deg, headings_deg[after]) <= within_deg
    is_near &= np.repeat(sizes > 1, sizes)
    result = is_near.copy()
    result[after[is_near]] = True
    return result
