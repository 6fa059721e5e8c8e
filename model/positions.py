"""Whether what is written down as a position is one."""

from dataclasses import dataclass
from enum import StrEnum

from model.geo import LatLon

_NULL_ISLAND_TOLERANCE_DEG = 1e-9


class PositionFault(StrEnum):
    """Why there is no position.

    Attributes:
        NO_POSITION: Nothing says where.
        NULL_ISLAND: It is 0° N 0° E, which is what broken receivers write.
        INVALID_POSITION: It is no number, 0/0, no point, or outside of the Earth's degrees.
        NO_HEMISPHERE: Degrees without north or south, east or west.
        ESTIMATED: It is marked as an estimate of Placefix (``model.estimates``).
    """

    NO_POSITION = "no_position"
    NULL_ISLAND = "null_island"
    INVALID_POSITION = "invalid_position"
    NO_HEMISPHERE = "no_hemisphere"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Why a position could not be had.

    Attributes:
        code: A ``PositionFault``, or another code of what reads the position.
        reason: For people.
    """

    code: StrEnum
    reason: str


ESTIMATED = Unplaced(
    PositionFault.ESTIMATED,
    "its position is an estimate of Placefix, and none that was measured (placefix geotag --remove takes such away)",
)
"""Stands for the position of a picture whose position is an estimate: a map built from it would believe itself."""


def checked_position(latitude: float, longitude: float) -> LatLon | Unplaced:
    """Return a position, unless it is impossible or the one that broken receivers write.

    Longitudes may go from 180 to 360, as climate data has them.
    """
    if 180 < longitude <= 360:
        longitude -= 360
    if abs(latitude) < _NULL_ISLAND_TOLERANCE_DEG and abs(longitude) < _NULL_ISLAND_TOLERANCE_DEG:
        return Unplaced(PositionFault.NULL_ISLAND, "its position is 0, 0, as receivers without a fix write it")
    try:
        return LatLon(latitude, longitude)
    except ValueError as error:
        is_swapped = 90 < abs(latitude) <= 180 and abs(longitude) <= 90
        hint = "; are latitude and longitude swapped?" if is_swapped else ""
        return Unplaced(PositionFault.INVALID_POSITION, f"its position is impossible: {error}{hint}")
