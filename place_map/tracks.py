"""Tracks: pictures that were taken one after the other on one way."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.geo import arc_m, points_in_space

LONGEST_PAUSE_S = 120  # between two consecutive pictures of a track
LONGEST_STEP_M = 100  # between two consecutive pictures


@dataclass(frozen=True, slots=True)
class Steps:
    """Hold the steps of all tracks.

    Attributes:
        first: ``(k,)`` the row of the earlier picture of each step.
        second: ``(k,)`` the row of the later one.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def between(self, groups: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return ``(p, 2)`` pairs of groups that a step connects, each once; the lower number first.

        Args:
            groups: The group of each row; -1 for rows whose steps do not count.
        """
        ends = np.stack((groups[self.first], groups[self.second]), axis=1)
        ends = ends[(ends >= 0).all(axis=1) & (ends[:, 0] != ends[:, 1])]
        ends.sort(axis=1)
        return np.unique(ends, axis=0)


def find_steps(
    latitudes: NDArray[np.float64],
    longitudes: NDArray[np.float64],
    times: NDArray[np.datetime64],
    has_time_zone: NDArray[np.bool_],
) -> Steps:
    """Find the steps between consecutive pictures that are near in time and space.

    Args:
        latitudes: ``(n,)`` degrees.
        longitudes: ``(n,)`` degrees.
        times: ``(n,)``, NaT if unknown.
        has_time_zone: ``(n,)`` whether a time is an instant; times without a zone are compared only with each other.
    """
    known = np.flatnonzero(~np.isnat(times))
    order = known[np.lexsort((times[known], has_time_zone[known]))]
    first, second = order[:-1], order[1:]
    pause_s = (times[second] - times[first]) / np.timedelta64(1, "s")
    points = points_in_space(latitudes[order], longitudes[order])
    step_m = arc_m(np.linalg.norm(points[1:] - points[:-1], axis=1)) if len(order) > 1 else np.empty(0)
    is_step = (pause_s <= LONGEST_PAUSE_S) & (step_m <= LONGEST_STEP_M)
    is_step &= has_time_zone[first] == has_time_zone[second]
    return Steps(first[is_step], second[is_step])
