"""List the pictures of a map as GeoJSON: single pictures, cells of several, and the tracks through them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from model.errors import InvalidInput
from place_map.place_cells import FINEST_LEVEL, Box, Cells
from place_map.place_table import PlaceTable

MAX_FEATURES = 2000  # pictures and cells of an answer
MAX_STEPS = 4000  # steps of its tracks
FINEST_ZOOM = 24  # at which each picture stands alone

_CELLS_ACROSS_TILE = 4  # levels: 16 cells along a tile of 256 pixels, so 16 pixels each
_MOST_HEADINGS = 4  # listed for a cell
_DIGITS = 8  # for degrees: a millimetre

Feature = dict[str, Any]


def list_places(places: PlaceTable, box: Box, zoom: int) -> dict[str, Any]:
    """List the pictures of a box as a GeoJSON ``FeatureCollection``.

    Pictures that would be nearer than about 16 pixels to each other on a web map are one cell. If there would be more
    than ``MAX_FEATURES``, or more than ``MAX_STEPS`` steps of tracks between them, the cells become coarser. No picture
    is left out.

    Args:
        places: The pictures of a map.
        box: The box of the pictures.
        zoom: The zoom of the web map, 0 to ``FINEST_ZOOM``; at the last each picture stands alone, even beside another.
    """
    level = FINEST_LEVEL + 1 if zoom == FINEST_ZOOM else zoom + _CELLS_ACROSS_TILE
    cells = places.cells.find(box, level, MAX_FEATURES)
    steps = places.steps.between(cells.cell_of_row(len(places)))
    most = len(cells)
    while len(steps) > MAX_STEPS:
        most //= 2
        cells = places.cells.find(box, level, most)
        steps = places.steps.between(cells.cell_of_row(len(places)))
    features = _features(places, cells)
    if len(steps) > 0:
        lines = [[features[a]["geometry"]["coordinates"], features[b]["geometry"]["coordinates"]] for a, b in steps]
        features.insert(0, _tracks(lines))
    collection: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if len(cells) > 0:
        west, south = cells.boxes[:, :2].min(axis=0)
        east, north = cells.boxes[:, 2:].max(axis=0)
        collection["bbox"] = _rounded(west, south, east, north)
    return collection


def read_box(text: str) -> Box:
    """Read ``WEST,SOUTH,EAST,NORTH`` in degrees.

    Raises:
        InvalidInput: The text is not a box, or a number is out of its range.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidInput(
            f"bbox is {text[:80]!r}: give west, south, east and north in degrees, such as 13.18,55.70,13.20,55.71"
        ) from error
    return Box(west, south, east, north)


def _features(places: PlaceTable, cells: Cells) -> list[Feature]:
    firsts = cells.rows[cells.starts]
    is_single = cells.counts == 1
    singles = firsts[is_single]
    names = dict(zip(singles.tolist(), zip(places.ids_of(singles), places.times_of(singles), strict=True), strict=True))
    headings = _headings(places, cells)
    return [
        _feature(longitude, latitude, box, count, headings.get(number, []), *names.get(row, (None, None)))
        for number, (row, count, longitude, latitude, box) in enumerate(
            zip(
                firsts.tolist(),
                cells.counts.tolist(),
                cells.longitudes.tolist(),
                cells.latitudes.tolist(),
                cells.boxes.tolist(),
                strict=True,
            )
        )
    ]


def _headings(places: PlaceTable, cells: Cells) -> Mapping[int, list[float]]:
    """Return the known headings of the cells that have few pictures, by the number of the cell."""
    few = np.repeat(cells.counts <= _MOST_HEADINGS, cells.counts)
    numbers = np.repeat(np.arange(len(cells)), cells.counts)[few]
    headings = places.headings_deg[cells.rows[few]]
    is_known = ~np.isnan(headings)
    found: dict[int, list[float]] = {}
    for number, heading in zip(numbers[is_known].tolist(), headings[is_known].round(1).tolist(), strict=True):
        found.setdefault(number, []).append(heading % 360)
    return found


def _feature(
    longitude: float,
    latitude: float,
    box: list[float],
    count: int,
    headings: list[float],
    place_id: str | None,
    time: datetime | None,
) -> Feature:
    return {
        "type": "Feature",
        "bbox": _rounded(*box),
        "geometry": {"type": "Point", "coordinates": _rounded(longitude, latitude)},
        "properties": {
            "kind": "picture" if count == 1 else "cell",
            "count": count,
            "id": place_id,
            "time": None if time is None else time.isoformat(),
            "headings_deg": headings,
        },
    }


def _tracks(lines: list[list[list[float]]]) -> Feature:
    return {
        "type": "Feature",
        "geometry": {"type": "MultiLineString", "coordinates": lines},
        "properties": {"kind": "tracks"},
    }


def _rounded(*degrees: float) -> list[float]:
    return [round(float(each), _DIGITS) for each in degrees]
