"""Suspects for programs and people: lines of JSON and CSV, points of GeoJSON."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from place_map.place_table import PlaceTable
from placefix.outliers.suspects import Suspect

_DECIMALS = 8  # decimals of a degree; the last one is a millimetre


@dataclass(frozen=True, slots=True)
class Line:
    """Describe a suspect with ids and positions; the names stay the same between releases.

    Attributes:
        id: The id of the suspect picture.
        latitude: Its latitude in the map, in degrees.
        longitude: Its longitude in the map, in degrees.
        evidence_id: The id of the picture at the other place with the most matches.
        evidence_latitude: The latitude of this picture, in degrees.
        evidence_longitude: The longitude of this picture, in degrees.
        distance_m: Distance between the two positions.
        matches_there: Mutual matches of the two pictures.
        matches_here: Most mutual matches with a picture near the position in the map.
        pictures_there: The number of pictures that support the other place.
        pictures_here: The number of pictures that support the position in the map.
        excess: Weight for the other place minus the weight for the position in the map.
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
            suspect: A suspect of the map.
            places: The table of the map.
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

    The file has only points, because QGIS splits points and lines into two layers, and because a line over the
    antimeridian would have to be cut. The properties are fields of ``Line``; with them QGIS can draw the line to the
    position in the map.
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
