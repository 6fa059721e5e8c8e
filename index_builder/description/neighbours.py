"""Whether another picture looks the same way, nearby."""

import numpy as np
from numpy.typing import NDArray

from model.geo import chord_m, points_in_space, turns_deg
from model.nearest import same_position
from model.point_grid import GROWTH, PointGrid, first_radius_m

WITHIN_M = 25.0
WITHIN_DEG = 40.0
"""What the field counts as the same view: 25 m and 40°, as MSLS does."""


def have_same_view(
    latitudes: NDArray[np.float64],
    longitudes: NDArray[np.float64],
    headings_deg: NDArray[np.float64],
    within_m: float = WITHIN_M,
    within_deg: float = WITHIN_DEG,
) -> NDArray[np.bool_]:
    """Which pictures have another one that was taken near them and looks about the same way.

    Args:
        latitudes: ``(n,)`` degrees.
        longitudes: ``(n,)`` degrees.
        headings_deg: ``(n,)`` in [0, 360); NaN where unknown.
        within_m: How far the other may be, this distance included.
        within_deg: How far it may be turned, this angle included.

    Returns:
        ``(n,)``; False where the picture's own heading is unknown.
    """
    result = np.zeros(len(latitudes), dtype=np.bool_)
    known = np.flatnonzero(np.isfinite(headings_deg))
    if len(known) < 2:
        return result
    latitudes, longitudes, headings_deg = latitudes[known], longitudes[known], headings_deg[known]
    order, starts = same_position(latitudes, longitudes, headings_deg)
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


def _next_to_each_other(
    headings_deg: NDArray[np.float64], starts: NDArray[np.int64], within_deg: float
) -> NDArray[np.bool_]:
    """Which headings have another within reach in their group; groups are runs, ascending, that begin at ``starts``.

    In a circle the nearest heading is the one before or the one after, so that a thousand pictures of one fixed camera
    need no more than a thousand comparisons.
    """
    sizes = np.diff(starts, append=len(headings_deg))
    after = np.arange(1, len(headings_deg) + 1)
    after[starts + sizes - 1] = starts
    is_near = turns_deg(headings_deg, headings_deg[after]) <= within_deg
    is_near &= np.repeat(sizes > 1, sizes)
    result = is_near.copy()
    result[after[is_near]] = True
    return result
