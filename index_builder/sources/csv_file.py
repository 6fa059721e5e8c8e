"""A CSV file that lists pictures with their positions: ``path,latitude,longitude[,heading][,time][,id]``."""

from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.csv_columns import Columns, find_columns
from index_builder.sources.csv_rows import parse_number, read_rows
from index_builder.sources.gathering import Gathering, gather
from index_builder.sources.listing import LeftOutCode, OnProgress, SourceListing
from index_builder.sources.picture_paths import resolve_picture
from index_builder.sources.times import parse_time
from model.geo import LatLon
from model.positions import Unplaced, checked_position


def read_csv(
    file: Path,
    *,
    latitude_column: str | None = None,
    longitude_column: str | None = None,
    on_progress: OnProgress | None = None,
) -> SourceListing:
    """Reads a CSV file: UTF-8, the first row names the columns, separated by comma, semicolon or tab.

    Paths are relative to the file's folder. Numbers may have a decimal comma. A heading or a time that cannot be read
    counts as unknown, and the picture stays. The pictures are not opened.

    Args:
        file: The CSV file.
        latitude_column: Its column of latitudes, if it is spelled in none of the accepted ways.
        longitude_column: Likewise.
        on_progress: Called with the number of rows read so far.

    Returns:
        Of kind ``csv``, in the file's order. Ids are those of the id column, else the paths.

    Raises:
        SourceError: It cannot be read, is not UTF-8, lacks a column, lists nothing, or gives two pictures one id.
    """
    header, rows = read_rows(file)
    columns = find_columns(header, file, latitude_column, longitude_column)

    def add(gathering: Gathering, line: int, row: list[str]) -> None:
        _add(gathering, columns, len(header), line, row)

    listing = gather(file, "line", "csv", rows, add, on_progress)
    if not len(listing):
        raise SourceError(f"{file} lists no pictures: there is no row below the header")
    return listing


def _add(gathering: Gathering, columns: Columns, width: int, line: int, row: list[str]) -> None:
    cells = [cell.strip() for cell in row] + [""] * (width - len(row))
    name = cells[columns.path]
    if any(cells[width:]):
        gathering.skip(
            name,
            LeftOutCode.INVALID_ROW,
            f"line {line} has {len(row)} values and the header {width}: values that contain the separator "
            "need quotes around them",
        )
    elif not name:
        gathering.skip(name, LeftOutCode.INVALID_ROW, f"line {line} names no picture")
    else:
        gathering.add(
            line,
            name,
            resolve_picture(gathering.file.parent, name),
            _position(cells[columns.latitude], cells[columns.longitude]),
            identifier=cells[columns.id] if columns.id is not None else "",
            heading_deg=parse_number(cells[columns.heading]) if columns.heading is not None else None,
            time=parse_time(cells[columns.time]) if columns.time is not None else None,
        )


def _position(latitude: str, longitude: str) -> LatLon | Unplaced:
    if not latitude or not longitude:
        return Unplaced(LeftOutCode.NO_POSITION, "latitude or longitude is empty")
    latitude_deg, longitude_deg = parse_number(latitude), parse_number(longitude)
    if latitude_deg is None or longitude_deg is None:
        return Unplaced(LeftOutCode.INVALID_POSITION, f"{latitude!r}, {longitude!r} are not degrees as decimal numbers")
    return checked_position(latitude_deg, longitude_deg)
