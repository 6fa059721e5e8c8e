"""An area of the Earth, given as a box or as polygons."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidInput

_WIDEST_DEG = 180.0


@dataclass(frozen=True)
class Area:
    """Rings of longitude and latitude, in degrees, whose edges are straight lines on a map of degrees.

    A point is inside if it is inside an odd number of them: holes are rings, too.

    Attributes:
        rings: Each ``(n, 2)``: longitude, latitude; closed.
    """

    rings: tuple[NDArray[np.float64], ...]

    @classmethod
    def box(cls, west: float, south: float, east: float, north: float) -> Self:
        """The area between two meridians and two parallels.

        Raises:
            InvalidInput: Not on Earth, the wrong way round, or across the antimeridian.
        """
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= 90 and -90 <= north <= 90):
            raise InvalidInput(
                f"the area {west},{south},{east},{north} is not on Earth: give WEST,SOUTH,EAST,NORTH in degrees, "
                "longitudes from -180 to 180 and latitudes from -90 to 90"
            )
        if south >= north:
            raise InvalidInput(f"the area's south {south} is not below its north {north}: WEST,SOUTH,EAST,NORTH")
        if west >= east:
            raise InvalidInput(
                f"the area's west {west} is not west of its east {east}. One that crosses the antimeridian has to be "
                f"given as two: {west},{south},180,{north} and -180,{south},{east},{north}"
            )
        corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
        return cls((np.array(corners, np.float64),))

    @classmethod
    def from_geojson(cls, path: Path) -> Self:
        """Reads the polygons of a GeoJSON file (RFC 7946).

        Raises:
            InvalidInput: It cannot be read, holds no polygon, or one that crosses the antimeridian.
        """
        try:
            document = json.loads(path.read_text("utf-8"))
        except OSError as error:
            raise InvalidInput(f"the area {path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise InvalidInput(f"the area {path} is not JSON: {error}") from error
        rings = [_ring(points, path) for points in _rings_of(document)]
        if not rings:
            raise InvalidInput(f"the area {path} holds no Polygon or MultiPolygon (GeoJSON, RFC 7946)")
        return cls(tuple(rings))

    def contains(self, latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of n points are inside.

        A point on an edge to the west or south is inside, one on an edge to the east or north is not, so that areas
        side by side share no point.
        """
        inside = np.zeros(len(latitudes), np.bool_)
        for ring in self.rings:
            for (x0, y0), (x1, y1) in pairwise(ring):
                if y0 == y1:
                    continue
                is_level = (latitudes >= min(y0, y1)) & (latitudes < max(y0, y1))
                crossing = x0 + (latitudes - y0) * (x1 - x0) / (y1 - y0)
                inside ^= is_level & (crossing > longitudes)
        return inside


def _rings_of(value: object) -> list[Sequence[object]]:
    """All rings of a GeoJSON document."""
    if not isinstance(value, dict):
        return []
    kind = value.get("type")
    if kind == "FeatureCollection" and isinstance(value.get("features"), list):
        return [ring for feature in value["features"] for ring in _rings_of(feature)]
    if kind == "Feature":
        return _rings_of(value.get("geometry"))
    if kind == "GeometryCollection" and isinstance(value.get("geometries"), list):
        return [ring for geometry in value["geometries"] for ring in _rings_of(geometry)]
    coordinates = value.get("coordinates")
    if kind == "Polygon" and isinstance(coordinates, list):
        return list(coordinates)
    if kind == "MultiPolygon" and isinstance(coordinates, list):
        return [ring for polygon in coordinates if isinstance(polygon, list) for ring in polygon]
    return []


def _ring(points: Any, path: Path) -> NDArray[np.float64]:
    try:
        ring = np.array([[point[0], point[1]] for point in points], np.float64)
    except (TypeError, ValueError, IndexError) as error:
        raise InvalidInput(f"the area {path} has a ring that is no list of [longitude, latitude]") from error
    if len(ring) < 4 or not np.array_equal(ring[0], ring[-1]):
        raise InvalidInput(f"the area {path} has a ring that is not closed: its last point must be its first")
    if not ((np.abs(ring[:, 0]) <= 180) & (np.abs(ring[:, 1]) <= 90)).all():
        raise InvalidInput(f"the area {path} has a point that is not on Earth; GeoJSON has the longitude first")
    if (np.abs(np.diff(ring[:, 0])) > _WIDEST_DEG).any():
        raise InvalidInput(
            f"the area {path} crosses the antimeridian; cut it there into two polygons, as RFC 7946 (3.1.9) says"
        )
    return ring
