"""The distance between neighbouring positions of a collection."""

import numpy as np
from numpy.typing import NDArray

from model.geo import EARTH_RADIUS_M, LatLon, distances_m

_SAMPLE = 500
_SEED = 0
_FIRST_REACH_M = 50.0
_GROWTH = 4.0


def spacing_m(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> float:
    """Return the median distance from a position to the nearest other one.

    Pictures at one position, such as from a camera that was turned round, count once. A large collection is
    sampled, always in the same way.

    Args:
        latitudes: ``(n,)`` degrees, at least one.
        longitudes: ``(n,)`` degrees.

    Returns:
        The distance in metres; infinity if all pictures have one position.
    """
    order = np.lexsort((longitudes, latitudes))
    latitudes, longitudes = latitudes[order], longitudes[order]
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (np.diff(latitudes) != 0) | (np.diff(longitudes) != 0)
    latitudes, longitudes = latitudes[is_new], longitudes[is_new]
    if len(latitudes) == 1:
        return float("inf")
    sample = np.random.default_rng(_SEED).permutation(len(latitudes))[:_SAMPLE]
    return float(np.median([_nearest_m(latitudes, longitudes, int(row)) for row in sample]))


def _nearest_m(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64], row: int) -> float:
    """Return the distance from a position to the nearest other one, among at least two positions sorted by latitude."""
    origin, reach_m = LatLon(float(latitudes[row]), float(longitudes[row])), _FIRST_REACH_M
    while True:
        span_deg = float(np.degrees(reach_m / EARTH_RADIUS_M))  # positions farther north or south are farther away
        first, end = np.searchsorted(latitudes, [origin.latitude - span_deg, origin.latitude + span_deg])
        apart_m = distances_m(origin, latitudes[first:end], longitudes[first:end])
        apart_m[row - first] = np.inf
        nearest_m = float(apart_m.min())
        if nearest_m <= reach_m or end - first == len(latitudes):
            return nearest_m
        reach_m *= _GROWTH
