"""The extent of positions, and the ground that they cover."""

from dataclasses import dataclass
from math import cos, radians

import numpy as np
from numpy.typing import NDArray

from model.geo import EARTH_RADIUS_M

CELL_M = 100.0
"""Side of the squares that ground is counted in."""


@dataclass(frozen=True)
class BoundingBox:
    """Describe the narrowest box around positions, in WGS84 degrees.

    Attributes:
        south: Lowest latitude.
        west: The western edge; greater than ``east`` if the box crosses the antimeridian.
        north: Highest latitude.
        east: The eastern edge.
    """

    south: float
    west: float
    north: float
    east: float

    @property
    def middle_latitude(self) -> float:
        """Return the latitude half way from south to north, in degrees."""
        return (self.south + self.north) / 2

    @property
    def width_m(self) -> float:
        """Return the width from west to east along the middle latitude."""
        turn_deg = self.east - self.west + (360 if self.west > self.east else 0)
        return radians(turn_deg) * cos(radians(self.middle_latitude)) * EARTH_RADIUS_M

    @property
    def height_m(self) -> float:
        """Return the height from south to north."""
        return radians(self.north - self.south) * EARTH_RADIUS_M


def bounding_box(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> BoundingBox:
    """Return the narrowest box around positions.

    Args:
        latitudes: ``(n,)`` degrees, at least one.
        longitudes: ``(n,)`` degrees in [-180, 180].
    """
    meridians = np.unique(np.where(longitudes == 180, -180.0, longitudes))  # the same meridian
    # The box leaves out the widest gap between neighbours; the gap across the antimeridian is the last one.
    gaps = np.diff(meridians, append=meridians[0] + 360)
    widest = len(gaps) - 1 if gaps[-1] == gaps.max() else int(gaps.argmax())
    west, east = float(meridians[(widest + 1) % len(meridians)]), float(meridians[widest])
    if east == -180 and west > east:
        east = 180.0
    return BoundingBox(float(latitudes.min()), west, float(latitudes.max()), east)


def metres_from_south_west(
    box: BoundingBox, latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return metres east and north of a box's south-western corner, ``(n,)`` each, for drawing.

    The scale is true along meridians and along the middle latitude, which is enough for a city or a district.
    """
    turn_deg = (longitudes - box.west) % 360
    east_m = np.radians(turn_deg) * cos(radians(box.middle_latitude)) * EARTH_RADIUS_M
    return east_m, np.radians(latitudes - box.south) * EARTH_RADIUS_M


def covered_cells(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64], cell_m: float = CELL_M) -> int:
    """Return the number of squares of the Earth's surface with at least one position.

    The grid is the sinusoidal one on the mean sphere: rows of ``cell_m`` from the equator to the poles, and each row
    divided along its own parallel from Greenwich. Every cell is therefore a square of ``cell_m`` at any latitude; only
    cells at the antimeridian or a pole are smaller.

    Args:
        latitudes: ``(n,)`` degrees.
        longitudes: ``(n,)`` degrees in [-180, 180].
        cell_m: The side of a square.
    """
    rows = np.floor(np.radians(latitudes) * EARTH_RADIUS_M / cell_m)
    parallels = np.cos((rows + 0.5) * cell_m / EARTH_RADIUS_M)
    meridians = np.radians(np.where(longitudes == 180, -180.0, longitudes))
    columns = np.floor(meridians * parallels * EARTH_RADIUS_M / cell_m)
    per_row = 2 * np.pi * EARTH_RADIUS_M / cell_m  # more than the columns of any row
    # Integers below 2^53 for cells of a metre or more, which float64 represents exactly.
    return len(np.unique(rows * np.ceil(per_row) + columns))
