"""A file of answers for a map program: GeoJSON (RFC 7946)."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from placefix.answers.outcome import Outcome


def write_geojson(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write a feature for each photo: a point, or no geometry where there is no position."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for number, outcome in enumerate(outcomes):
            file.write(",\n" if number else "\n")
            file.write(json.dumps(_feature(outcome), ensure_ascii=False))
        file.write("\n]}\n")


def _feature(outcome: Outcome) -> dict[str, Any]:
    row = outcome.row()
    latitude, longitude = row.pop("latitude"), row.pop("longitude")
    point = None if latitude is None else {"type": "Point", "coordinates": [longitude, latitude]}
    return {"type": "Feature", "geometry": point, "properties": row}
