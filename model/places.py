"""Geotagged pictures: what a collection is made of."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from model.geo import LatLon


@dataclass(frozen=True, slots=True)
class Place:
    """A picture with a position.

    Attributes:
        id: What the collection calls the picture; unique in it.
        path: Where the picture lies.
        position: WGS84.
        heading_deg: Direction that the camera looks to, clockwise from true north, in [0, 360); None if unknown.
        time: When it was taken; with a time zone where the source states one, naive otherwise; None if unknown.
    """

    id: str
    path: Path
    position: LatLon
    heading_deg: float | None = None
    time: datetime | None = None
