"""A GeoJSON geometry (RFC 7946) as the position of a picture."""

from index_builder.sources.json_file import number_in
from index_builder.sources.listing import LeftOutCode
from model.geo import LatLon
from model.positions import Unplaced, checked_position


def point_position(geometry: object) -> LatLon | Unplaced:
    """The position of a Point.

    Args:
        geometry: ``{"type": "Point", "coordinates": [longitude, latitude]}``, degrees of WGS84; a height may follow,
            and is not looked at. None, and a point without coordinates, is no position.
    """
    if geometry is None:
        return Unplaced(LeftOutCode.NO_POSITION, "it has no geometry")
    if not isinstance(geometry, dict):
        return Unplaced(LeftOutCode.INVALID_POSITION, "its geometry is not an object of GeoJSON")
    if geometry.get("type") != "Point":
        return Unplaced(
            LeftOutCode.INVALID_POSITION, f"its geometry is of the type {geometry.get('type')!r}, not a 'Point'"
        )
    coordinates = geometry.get("coordinates")
    if not coordinates:  # RFC 7946, section 3.1: may be read as no geometry
        return Unplaced(LeftOutCode.NO_POSITION, "its point has no coordinates")
    numbers = [number_in(value) for value in coordinates] if isinstance(coordinates, list) else []
    if len(numbers) < 2 or numbers[0] is None or numbers[1] is None:
        return Unplaced(
            LeftOutCode.INVALID_POSITION, f"its coordinates {coordinates!r} are not [longitude, latitude] as numbers"
        )
    return checked_position(latitude=numbers[1], longitude=numbers[0])
