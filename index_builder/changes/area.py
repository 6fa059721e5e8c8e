"""An area of the Earth, given as boxes or as polygons."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidInput

_WIDEST_DEG = 180.0

Ring: TypeAlias = tuple[tuple[float, float], ...]
"""Points (longitude, latitude) in degrees; the last is the first. Edges are straight lines on a map of degrees."""

Polygon: TypeAlias = tuple[Ring, ...]
"""An outline and its holes: a point is inside if it is inside an odd number of these rings."""


@dataclass(frozen=True)
class Area:
    """Hold the union of polygons, which includes their edges.

    Attributes:
        polygons: The polygons, which may overlap.
    """

    polygons: tuple[Polygon, ...]

    @classmethod
    def box(cls, west: float, south: float, east: float, north: float) -> Self:
        """Return the area between two meridians and two parallels.

        Raises:
            InvalidInput: The box is not on Earth, is the wrong way round, or crosses the antimeridian.
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
                f"given as two: {west},{south},180,{north} and -180,{south},{east},{north}; --area may be repeated"
            )
        outline = ((west, south), (east, south), (east, north), (west, north), (west, south))
        return cls(((outline,),))

    @classmethod
    def from_geojson(cls, path: Path) -> Self:
        """Read the polygons of a GeoJSON file (RFC 7946).

        Raises:
            InvalidInput: The file cannot be read, holds no polygon, or holds one that crosses the antimeridian.
        """
        try:
            document = json.loads(path.read_text("utf-8"))
        except OSError as error:
            raise InvalidInput(f"the area {path} cannot be read: {error.strerror}") from error
        except RecursionError as error:
            raise InvalidInput(f"the area {path} nests lists or objects too deep for a list of polygons") from error
        except ValueError as error:
            raise InvalidInput(f"the area {path} is not JSON: {error}") from error
        polygons = tuple(tuple(_ring(points, path) for points in rings) for rings in _polygons_of(document))
        if not any(polygons):
            raise InvalidInput(f"the area {path} holds no Polygon or MultiPolygon (GeoJSON, RFC 7946)")
        return cls(polygons)

    @classmethod
    def union(cls, areas: Iterable[Self]) -> Self:
        """Return the union of areas."""
        return cls(tuple(polygon for area in areas for polygon in area.polygons))

    def contains(self, latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which of n points are inside or on an edge. -180 and 180 degrees are the same meridian."""
        other_longitudes = np.where(np.abs(longitudes) == 180, -longitudes, longitudes)
        inside = np.zeros(len(latitudes), np.bool_)
        for polygon in self.polygons:
            inside |= _is_inside(polygon, latitudes, longitudes)
            inside |= _is_inside(polygon, latitudes, other_longitudes)
        return inside


def _is_inside(polygon: Polygon, latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.bool_]:
    inside = np.zeros(len(latitudes), np.bool_)
    on_edge = np.zeros(len(latitudes), np.bool_)
    for ring in polygon:
        for (x0, y0), (x1, y1) in pairwise(ring):
            is_within = (latitudes >= min(y0, y1)) & (latitudes <= max(y0, y1))
            is_within &= (longitudes >= min(x0, x1)) & (longitudes <= max(x0, x1))
            on_edge |= is_within & ((latitudes - y0) * (x1 - x0) == (longitudes - x0) * (y1 - y0))
            if y0 != y1:
                is_level = (latitudes >= min(y0, y1)) & (latitudes < max(y0, y1))
                crossing = x0 + (latitudes - y0) * (x1 - x0) / (y1 - y0)
                inside ^= is_level & (crossing > longitudes)
    return inside | on_edge


def _polygons_of(document: object) -> Iterator[list[object]]:
    """Yield the rings of each polygon of a GeoJSON document."""
    pending = [document]  # without recursion, because collections may hold collections
    while pending:
        value = pending.pop()
        if not isinstance(value, dict):
            continue
        kind, coordinates = value.get("type"), value.get("coordinates")
        members = {"FeatureCollection": "features", "GeometryCollection": "geometries"}.get(str(kind))
        if members is not None and isinstance(value.get(members), list):
            pending += value[members]
        elif kind == "Feature":
            pending.append(value.get("geometry"))
        elif kind == "Polygon" and isinstance(coordinates, list):
            yield coordinates
        elif kind == "MultiPolygon" and isinstance(coordinates, list):
            yield from (polygon for polygon in coordinates if isinstance(polygon, list))


def _ring(points: Any, path: Path) -> Ring:
    try:
        ring = np.array([[point[0], point[1]] for point in points], np.float64)
    except (TypeError, ValueError, LookupError) as error:
        raise InvalidInput(f"the area {path} has a ring that is not a list of [longitude, latitude]") from error
    if len(ring) < 4 or not np.array_equal(ring[0], ring[-1]):
        raise InvalidInput(f"the area {path} has a ring that is not closed: its last point must be its first")
    if not ((np.abs(ring[:, 0]) <= 180) & (np.abs(ring[:, 1]) <= 90)).all():
        raise InvalidInput(f"the area {path} has a point that is not on Earth; GeoJSON has the longitude first")
    if (np.abs(np.diff(ring[:, 0])) > _WIDEST_DEG).any():
        raise InvalidInput(
            f"the area {path} crosses the antimeridian; cut it there into two polygons, as RFC 7946 (3.1.9) says"
        )
    return tuple((longitude, latitude) for longitude, latitude in ring.tolist())
