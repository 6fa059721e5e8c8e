"""Geotagged pictures, the elements of a collection."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from model.geo import LatLon


@dataclass(frozen=True, slots=True)
class Place:
    """Describe a picture with a position.

    Attributes:
        id: The name of the picture in the collection; unique in it.
        path: The path of the picture.
        position: The position in WGS84.
        heading_deg: Direction of the camera, clockwise from true north, in [0, 360); None if unknown.
        time: The time of the picture; with a time zone if the source states one, naive otherwise; None if unknown.
    """

    id: str
    path: Path
    position: LatLon
    heading_deg: float | None = None
    time: datetime | None = None
