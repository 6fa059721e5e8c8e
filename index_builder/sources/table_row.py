"""The geotag of a row of a table, in the spellings of people and of exiftool."""

import re
from collections.abc import Sequence

from index_builder.sources.coordinates import parse_number, position_from_pair, position_from_text
from index_builder.sources.csv_columns import Columns
from index_builder.sources.geotag import Geotag, Pose, error_of, unreadable
from index_builder.sources.headings import parse_heading
from index_builder.sources.times import parse_time
from model.estimates import is_estimate
from model.geo import LatLon
from model.positions import ESTIMATED, Unplaced

_METRES = re.compile(r"\s*m(?:eters?|etres?)?$", re.IGNORECASE)
_VOID = ("v", "measurement void")
_ALL_ROUND = frozenset({"true", "1", "yes", "equirectangular", "spherical", "cubemap"})


def row_geotag(columns: Columns, cells: Sequence[str]) -> Geotag:
    """Return the geotag of a row.

    Args:
        columns: The columns of the table.
        cells: The cells of the row, stripped, as many as the header has.
    """
    heading = columns.cell(cells, "heading")
    heading_deg = parse_heading(heading)
    is_magnetic = columns.cell(cells, "heading_ref")[:1].upper() == "M"
    times = columns.filled(cells, "time")
    time = next((time for text in times if (time := parse_time(text)) is not None), None)
    if time is not None and time.utcoffset() is None:
        time = parse_time(time.isoformat() + columns.cell(cells, "zone")) or time
    return Geotag(
        position=_position(columns, cells),
        heading_deg=None if is_magnetic else heading_deg,
        magnetic_deg=heading_deg if is_magnetic else None,
        time=time,
        error_m=_error_m(columns.cell(cells, "error"), columns.cell(cells, "dop")),
        is_void=columns.cell(cells, "status").lower() in _VOID,
        panorama=Pose() if columns.cell(cells, "panorama").lower() in _ALL_ROUND else None,
        remarks=unreadable(heading, heading_deg, times, time),
    )


def _position(columns: Columns, cells: Sequence[str]) -> LatLon | Unplaced:
    if is_estimate(columns.cell(cells, "method")):
        return ESTIMATED
    if not columns.numbers["latitude"] and columns.numbers["position"]:
        return position_from_pair(columns.first_cell(cells, "position"))
    return position_from_text(
        columns.first_cell(cells, "latitude"),
        columns.first_cell(cells, "longitude"),
        north_or_south=columns.first_cell(cells, "latitude_ref"),
        east_or_west=columns.first_cell(cells, "longitude_ref"),
    )


def _error_m(stated: str, dilution: str) -> float | None:
    return error_of(parse_number(_METRES.sub("", stated)), parse_number(dilution))
