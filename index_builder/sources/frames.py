"""Pictures of runs along one route, which correspond by frame number: a CSV file ``path,frame``.

Nordland and Gardens Point are sets of this kind: no position can be trusted, but frame i of one run shows the same
place as frame i of the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.coordinates import position_from_text
from index_builder.sources.csv_columns import SPELLINGS, find_column, listed
from index_builder.sources.csv_rows import read_rows
from index_builder.sources.listing import NOWHERE, SourceListing
from index_builder.sources.picture_paths import Missing, PictureFinder
from index_builder.sources.read_options import ReadOptions
from model.geo import LatLon
from model.places import Place
from model.positions import Unplaced

FRAME_SPELLINGS = ("frame", "frame_number", "frame_id", "place_id")


@dataclass(frozen=True)
class FrameListing:
    """Hold pictures and their frame numbers.

    Attributes:
        listing: The listing, of kind ``frames``, with the positions of the file if it has any, else ``NOWHERE``.
        frames: Picture id → frame number.
        has_positions: Whether the positions are from the file.
    """

    listing: SourceListing
    frames: Mapping[str, int]
    has_positions: bool


def read_frames(file: Path, options: ReadOptions | None = None) -> FrameListing:
    """Read a CSV file with a column of paths and one of frame numbers; all rows must be valid.

    Args:
        file: The CSV file; paths are relative to its folder.
        options: Names of columns, and the folder of the pictures.

    Returns:
        The listing, in the file's order. Ids come from the id column, else from the paths.

    Raises:
        SourceError: The file cannot be read, lacks a column, or has a row that names no picture, no whole number, or
            a picture or an id a second time.
    """
    options = options or ReadOptions()
    finder = PictureFinder(file.parent, options.root)
    header, rows = read_rows(file)
    path_column = find_column(header, file, SPELLINGS["path"], options.path_column)
    frame_column = find_column(header, file, FRAME_SPELLINGS)
    for column, kind, spellings in ((path_column, "path", SPELLINGS["path"]), (frame_column, "frame", FRAME_SPELLINGS)):
        if column is None:
            raise SourceError(
                f"{file} lacks the column {kind} (accepted: {', '.join(spellings)}); its columns are {listed(header)}"
            )
    id_column = find_column(header, file, SPELLINGS["id"])
    degrees_columns = (
        find_column(header, file, SPELLINGS["latitude"], options.latitude_column),
        find_column(header, file, SPELLINGS["longitude"], options.longitude_column),
    )
    places: list[Place] = []
    frames: dict[str, int] = {}
    for line, row in rows:
        where = f"{file}, line {line},"
        path = finder.find(_cell(row, path_column))
        if isinstance(path, Missing):
            raise SourceError(f"{where} names {path.tried[0]}, and {path}")
        identifier = _cell(row, id_column) or finder.id_of(path)
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
    position = position_from_text(_cell(row, latitude_column), _cell(row, longitude_column))
    if isinstance(position, Unplaced):
        raise SourceError(f"{where} cannot be placed: {position.reason}")
    return position
