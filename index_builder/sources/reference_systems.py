"""Coordinates of other reference systems, by PROJ."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite

from index_builder.errors import SourceError
from model.geo import LatLon
from model.positions import PositionFault, Unplaced, checked_position

# WGS84 under the names of OGC and EPSG, with and without heights.
_WGS84_NAME = re.compile(r"(?:.*\bogc\b.*\bcrs84h?|.*\bepsg\b.*[:/](?:4326|4979)|wgs[ _]?84|crs84)", re.IGNORECASE)
_UTM_NAME = re.compile(r"WGS84 UTM (\d{1,2})\s*([NS])", re.IGNORECASE)

Transform = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True)
class ReferenceSystem:
    """A reference system of coordinates.

    Attributes:
        name: As it was stated.
        transform: From x (east) and y (north) to longitude and latitude; None for WGS84, whose they are.
    """

    name: str
    transform: Transform | None = field(default=None, compare=False)

    def position(self, x: float, y: float) -> LatLon | Unplaced:
        """Return the position of two coordinates: east, or longitude, first."""
        if self.transform is None:
            return checked_position(latitude=y, longitude=x)
        longitude, latitude = self.transform(x, y)
        if not (isfinite(longitude) and isfinite(latitude)):
            return Unplaced(PositionFault.INVALID_POSITION, f"{x}, {y} lie outside of {self.name}")
        return checked_position(latitude, longitude)


WGS84 = ReferenceSystem("EPSG:4326")


@lru_cache(maxsize=64)
def reference_system(name: str, where: str) -> ReferenceSystem:
    """Return the reference system of a name: an EPSG code, an URN of OGC, ``WGS84 UTM 33N``, or a string of PROJ.

    Args:
        name: As it is stated.
        where: What states it, for messages.

    Raises:
        SourceError: There is no such system.
    """
    if _WGS84_NAME.fullmatch(name.strip()):
        return WGS84
    from pyproj import CRS, Transformer  # noqa: PLC0415 (its data base is opened on import, and few collections need it)
    from pyproj.exceptions import ProjError  # noqa: PLC0415

    utm = _UTM_NAME.fullmatch(name.strip())
    stated = f"EPSG:{32600 + int(utm[1]) if utm[2].upper() == 'N' else 32700 + int(utm[1])}" if utm else name.strip()
    try:
        transformer = Transformer.from_crs(CRS.from_user_input(stated), "EPSG:4326", always_xy=True)
    except ProjError as error:
        raise SourceError(
            f"{where} states the coordinate reference system {name!r}, which is not known: {error}. Save it again in "
            "EPSG:4326, longitude first"
        ) from error

    def transform(x: float, y: float) -> tuple[float, float]:
        longitude, latitude = transformer.transform(x, y)
        return float(longitude), float(latitude)

    return ReferenceSystem(name.strip(), transform)
