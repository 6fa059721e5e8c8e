"""Pictures of runs along one route, which correspond by frame number: a CSV file ``path,frame``.

Nordland and Gardens Point are such sets: there is no position that could be trusted, but frame i of one run shows the
same place as frame i of the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.csv_columns import SPELLINGS, find_column, listed
from index_builder.sources.csv_rows import parse_number, read_rows
from index_builder.sources.listing import NOWHERE, SourceListing
from index_builder.sources.picture_paths import path_below, resolve_picture
from model.geo import LatLon
from model.places import Place
from model.positions import Unplaced, checked_position

FRAME_SPELLINGS = ("frame", "frame_number", "frame_id", "place_id")


@dataclass(frozen=True)
class FrameListing:
    """Pictures and their frame numbers.

    Attributes:
        listing: Of kind ``frames``. Positions are those of the file if it has any, else ``NOWHERE``.
        frames: Picture id → frame number.
        has_positions: Whether the positions are the file's.
    """

    listing: SourceListing
    frames: Mapping[str, int]
    has_positions: bool


def read_frames(file: Path, *, latitude_column: str | None = None, longitude_column: str | None = None) -> FrameListing:
    """Reads a CSV file with a column of paths and one of frame numbers; all rows have to be right.

    Args:
        file: The CSV file; paths are relative to its folder.
        latitude_column: Its column of latitudes, if it is spelled in none of the accepted ways.
        longitude_column: Likewise.

    Returns:
        In the file's order. Ids are those of the id column, else the paths.

    Raises:
        SourceError: The file cannot be read, lacks a column, or has a row that names no picture, no whole number, or
            a picture or an id a second time.
    """
    header, rows = read_rows(file)
    path_column = find_column(header, file, SPELLINGS["path"])
    frame_column = find_column(header, file, FRAME_SPELLINGS)
    for column, kind, spellings in ((path_column, "path", SPELLINGS["path"]), (frame_column, "frame", FRAME_SPELLINGS)):
        if column is None:
            raise SourceError(
                f"{file} lacks the column {kind} (accepted: {', '.join(spellings)}); its columns are {listed(header)}"
            )
    id_column = find_column(header, file, SPELLINGS["id"])
    degrees_columns = (
        find_column(header, file, SPELLINGS["latitude"], latitude_column),
        find_column(header, file, SPELLINGS["longitude"], longitude_column),
    )
    places: list[Place] = []
    frames: dict[str, int] = {}
    for line, row in rows:
        where = f"{file}, line {line},"
        path = resolve_picture(file.parent, _cell(row, path_column))
        if not path.is_file():
            raise SourceError(f"{where} names {path}, and there is no such file")
        identifier = _cell(row, id_column) or path_below(file.parent, path)
        if identifier in frames:
            raise SourceError(f"{where} lists {identifier} a second time")
        frames[identifier] = _frame(_cell(row, frame_column), where)
        places.append(Place(identifier, path, _position(row, *degrees_columns, where)))
    if not places:
        raise SourceError(f"{file} lists no pictures: there is no row below the header")
    has_positions = None not in degrees_columns
    return FrameListing(SourceListing(tuple(places), (), "frames", file), frames, has_positions)


def _cell(row: list[str], column: int | None) -> str:
    return "" if column is None or column >= len(row) else row[column].strip()


def _frame(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise SourceError(f"{where} has the frame number {text!r}, which is not a whole number") from error


def _position(row: list[str], latitude_column: int | None, longitude_column: int | None, where: str) -> LatLon:
    if latitude_column is None or longitude_column is None:
        return NOWHERE
    latitude_deg, longitude_deg = parse_number(_cell(row, latitude_column)), parse_number(_cell(row, longitude_column))
    if latitude_deg is None or longitude_deg is None:
        raise SourceError(f"{where} has no latitude and longitude as decimal degrees")
    position = checked_position(latitude_deg, longitude_deg)
    if isinstance(position, Unplaced):
        raise SourceError(f"{where} cannot be placed: {position.reason}")
    return position
