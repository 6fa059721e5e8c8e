"""Suspects as a program or a person reads them: lines of JSON and CSV, points of GeoJSON."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from place_map.place_table import PlaceTable
from placefix.outliers.suspects import Suspect

_DECIMALS = 8  # of a degree: a millimetre


@dataclass(frozen=True, slots=True)
class Line:
    """A suspect with ids and positions; the names stay the same between releases.

    Attributes:
        id: Of the picture.
        latitude: Degrees, as the map has it.
        longitude: Likewise.
        evidence_id: The picture that it has most matches with, at the place that the evidence says.
        evidence_latitude: Where that one was taken: the position that the evidence says.
        evidence_longitude: Likewise.
        distance_m: Between the two positions.
        matches_there: Mutual matches of the two pictures.
        matches_here: The most with a picture near the position of the map.
        pictures_there: How many pictures speak for the other place.
        pictures_here: How many speak for the position of the map.
        excess: Weight for the other place less that for the position of the map.
    """

    id: str
    latitude: float
    longitude: float
    evidence_id: str
    evidence_latitude: float
    evidence_longitude: float
    distance_m: float
    matches_there: int
    matches_here: int
    pictures_there: int
    pictures_here: int
    excess: float

    @classmethod
    def of(cls, suspect: Suspect, places: PlaceTable) -> Self:
        """Return the line of a suspect.

        Args:
            suspect: Of the map.
            places: Of the map.
        """
        picture, evidence = places[suspect.row], places[suspect.evidence_row]
        return cls(
            id=picture.id,
            latitude=round(picture.position.latitude, _DECIMALS),
            longitude=round(picture.position.longitude, _DECIMALS),
            evidence_id=evidence.id,
            evidence_latitude=round(evidence.position.latitude, _DECIMALS),
            evidence_longitude=round(evidence.position.longitude, _DECIMALS),
            distance_m=round(suspect.distance_m, 1),
            matches_there=suspect.matches_there,
            matches_here=suspect.matches_here,
            pictures_there=suspect.pictures_there,
            pictures_here=suspect.pictures_here,
            excess=round(suspect.excess, 2),
        )


def as_csv(lines: Sequence[Line]) -> str:
    """Return a CSV file; its columns are the names of ``Line``."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(Line)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(line) for line in lines)
    return text.getvalue()


def as_geojson(lines: Sequence[Line]) -> dict[str, Any]:
    """Return a FeatureCollection (RFC 7946): a point for each suspect, at the position that the evidence says.

    Points alone: a file of points and lines is two layers for QGIS, and a line over the antimeridian would have to be
    cut. The properties are those of ``Line``; with them QGIS draws the line to the position of the map.
    """
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": line.id,
                "geometry": {"type": "Point", "coordinates": [line.evidence_longitude, line.evidence_latitude]},
                "properties": asdict(line),
            }
            for line in lines
        ],
    }
