"""Coordinates of other reference systems, by PROJ."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from math import isclose
from typing import TYPE_CHECKING

from index_builder.errors import SourceError
from index_builder.sources.geotag import Remark
from model.geo import LatLon
from model.positions import PositionFault, Unplaced, checked_position

if TYPE_CHECKING:
    from pyproj import CRS

# WGS84 under the names of OGC and EPSG, with and without heights.
_WGS84_NAME = re.compile(r"(?:.*\bogc\b.*\bcrs84h?|.*\bepsg\b.*[:/](?:4326|4979)|wgs[ _]?84|crs84)", re.IGNORECASE)
_UTM_NAME = re.compile(r"WGS84 UTM (\d{1,2})\s*([NS])", re.IGNORECASE)

# Norway is mapped in zone 33 of UTM as a whole, 13° beyond the zone. So positions of a neighbouring zone are read, and
# a remark counts them. A wrong number of a zone is not found by this: the numbers of all zones are the same.
_MARGIN_DEG = 15.0
_EDGE_DEG = 1.0  # a town on the border of two zones is mapped in one of them

Transform = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Area:
    """Describe a rectangle of degrees in which a reference system is used.

    Attributes:
        west: The western edge, from -180 to 180.
        south: The southern edge, from -90 to 90.
        east: The eastern edge, from -180 to 180; less than ``west`` if the rectangle crosses the antimeridian.
        north: The northern edge, from -90 to 90.
    """

    west: float
    south: float
    east: float
    north: float

    def has(self, position: LatLon, margin_deg: float) -> bool:
        """Return whether a position lies in the rectangle, or at most ``margin_deg`` degrees beside it."""
        width = (self.east - self.west) % 360 or 360.0
        from_west = (position.longitude - self.west + margin_deg) % 360
        is_between = self.south - margin_deg <= position.latitude <= self.north + margin_deg
        return is_between and from_west <= width + 2 * margin_deg

    def __str__(self) -> str:
        return f"longitudes {self.west:g} to {self.east:g}, latitudes {self.south:g} to {self.north:g}"


@dataclass(frozen=True)
class ReferenceSystem:
    """Describe a reference system of coordinates.

    Attributes:
        name: The name as it was stated.
        transform: The function from x (east) and y (north) to longitude and latitude; None for WGS84.
        transform_back: The inverse of ``transform``; None for WGS84.
        area: The area of use; None if it is not known, as for a string of PROJ.
    """

    name: str
    transform: Transform | None = field(default=None, compare=False)
    transform_back: Transform | None = field(default=None, compare=False)
    area: Area | None = None

    def position(self, x: float, y: float) -> LatLon | Unplaced:
        """Return the position of two coordinates: east, or longitude, first."""
        if self.transform is None or self.transform_back is None:
            return checked_position(latitude=y, longitude=x)
        longitude, latitude = self.transform(x, y)
        # PROJ gives a position for a northing of -9e9, too: the way back shows that the point is not of the projection.
        back_x, back_y = self.transform_back(longitude, latitude)
        if not (_is_same(x, back_x) and _is_same(y, back_y)):
            return self._outside(x, y)
        position = checked_position(latitude, longitude)
        if isinstance(position, LatLon) and self.area is not None and not self.area.has(position, _MARGIN_DEG):
            return self._outside(x, y)
        return position

    def remarks_on(self, position: LatLon | Unplaced) -> frozenset[Remark]:
        """Return the remark on a position that lies beside the area of use."""
        is_inside = self.area is None or isinstance(position, Unplaced) or self.area.has(position, _EDGE_DEG)
        return frozenset() if is_inside else frozenset({Remark.BESIDE_SYSTEM})

    def _outside(self, x: float, y: float) -> Unplaced:
        area = "" if self.area is None else f", which is used at {self.area}"
        return Unplaced(
            PositionFault.INVALID_POSITION,
            f"x = {x:.12g}, y = {y:.12g} lie outside of {self.name}{area}: state the system that the coordinates are "
            "in, and give east (x) before north (y)",
        )


WGS84 = ReferenceSystem("EPSG:4326")


@lru_cache(maxsize=64)
def reference_system(name: str, where: str) -> ReferenceSystem:
    """Return the reference system of a name: an EPSG code, an URN of OGC, ``WGS84 UTM 33N``, or a string of PROJ.

    Args:
        name: The name as it is stated.
        where: The place of the statement, for messages.

    Raises:
        SourceError: The system is not known.
    """
    if _WGS84_NAME.fullmatch(name.strip()):
        return WGS84
    from pyproj import CRS, Transformer  # noqa: PLC0415 (its data base is opened on import, and few collections need it)
    from pyproj.exceptions import ProjError  # noqa: PLC0415

    utm = _UTM_NAME.fullmatch(name.strip())
    stated = f"EPSG:{32600 + int(utm[1]) if utm[2].upper() == 'N' else 32700 + int(utm[1])}" if utm else name.strip()
    try:
        system = CRS.from_user_input(stated)
        transformer = Transformer.from_crs(system, "EPSG:4326", always_xy=True)
    except ProjError as error:
        raise SourceError(
            f"{where} states the coordinate reference system {name!r}, which is not known: {error}. Save it again in "
            "EPSG:4326, longitude first"
        ) from error

    def transform(x: float, y: float) -> tuple[float, float]:
        longitude, latitude = transformer.transform(x, y)
        return float(longitude), float(latitude)

    def transform_back(longitude: float, latitude: float) -> tuple[float, float]:
        x, y = transformer.transform(longitude, latitude, direction="INVERSE")
        return float(x), float(y)

    return ReferenceSystem(name.strip(), transform, transform_back, _area_of(system))


def _area_of(system: "CRS") -> Area | None:
    """Return the area of use of a system, or of its horizontal part if it has heights."""
    parts = [system, *system.sub_crs_list, *([system.source_crs] if system.source_crs is not None else [])]
    found = next((part.area_of_use for part in parts if part.area_of_use is not None), None)
    return None if found is None else Area(found.west, found.south, found.east, found.north)


def _is_same(one: float, other: float) -> bool:
    """Return whether two coordinates are equal, except for differences between PROJ's transformations of datums."""
    return isclose(one, other, rel_tol=1e-3, abs_tol=1_000)
