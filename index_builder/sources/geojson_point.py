"""A GeoJSON geometry (RFC 7946) as the position of a picture."""

from index_builder.sources.json_file import number_in
from index_builder.sources.listing import LeftOutCode
from index_builder.sources.reference_systems import WGS84, ReferenceSystem
from model.geo import LatLon
from model.positions import Unplaced


def point_position(geometry: object, system: ReferenceSystem = WGS84) -> LatLon | Unplaced:
    """Return the position of a Point, or of a MultiPoint that has only one.

    Args:
        geometry: ``{"type": "Point", "coordinates": [longitude, latitude]}``; a height may follow, and is ignored.
            None, and a point without coordinates, have no position.
        system: The reference system of the coordinates.
    """
    if geometry is None:
        return Unplaced(LeftOutCode.NO_POSITION, "it has no geometry")
    if not isinstance(geometry, dict):
        return Unplaced(LeftOutCode.INVALID_POSITION, "its geometry is not an object of GeoJSON")
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "MultiPoint" and isinstance(coordinates, list) and len(coordinates) == 1:
        kind, coordinates = "Point", coordinates[0]
    if kind != "Point":
        return Unplaced(LeftOutCode.INVALID_POSITION, f"its geometry is of the type {kind!r}, not a 'Point'")
    if not coordinates:  # RFC 7946, section 3.1: may be read as no geometry
        return Unplaced(LeftOutCode.NO_POSITION, "its point has no coordinates")
    numbers = [number_in(value) for value in coordinates] if isinstance(coordinates, list) else []
    if len(numbers) < 2 or numbers[0] is None or numbers[1] is None:
        return Unplaced(
            LeftOutCode.INVALID_POSITION, f"its coordinates {coordinates!r} are not [longitude, latitude] as numbers"
        )
    return system.position(numbers[0], numbers[1])
