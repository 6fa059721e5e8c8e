"""The check of written positions."""

from dataclasses import dataclass
from enum import StrEnum

from model.geo import LatLon

_NULL_ISLAND_TOLERANCE_DEG = 1e-9


class PositionFault(StrEnum):
    """Name the reason why there is no position.

    Attributes:
        NO_POSITION: No source states a position.
        NULL_ISLAND: The position is 0° N 0° E, which broken receivers write.
        INVALID_POSITION: The position is not a number, 0/0, not a point, or outside of the Earth's degrees.
        NO_HEMISPHERE: The degrees do not state north or south, east or west.
        ESTIMATED: The position is marked as an estimate of Placefix (``model.estimates``).
    """

    NO_POSITION = "no_position"
    NULL_ISLAND = "null_island"
    INVALID_POSITION = "invalid_position"
    NO_HEMISPHERE = "no_hemisphere"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Describe why there is no position.

    Attributes:
        code: A ``PositionFault``, or another code of the reader.
        reason: The reason, for people.
    """

    code: StrEnum
    reason: str


ESTIMATED = Unplaced(
    PositionFault.ESTIMATED,
    "its position is an estimate of Placefix, not a measurement (placefix geotag --remove removes estimates)",
)
"""Replaces the position of a picture with an estimated position: a map built from it would rely on its own answers."""


def checked_position(latitude: float, longitude: float) -> LatLon | Unplaced:
    """Return a position, unless it is impossible or the null island of broken receivers.

    Longitudes from 180 to 360 are accepted, because climate data uses them.
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
