"""A CSV file that lists pictures with their positions: ``path,latitude,longitude[,heading][,time][,id]``."""

from dataclasses import dataclass, field
from pathlib import Path

from index_builder.sources.csv_columns import Columns, find_columns
from index_builder.sources.csv_rows import is_file, parse_number, path_below, read_rows, resolve_picture
from index_builder.sources.listing import (
    LeftOut,
    LeftOutCode,
    OnProgress,
    SourceListing,
    Unplaced,
    checked_position,
    compass_deg,
    skipped,
)
from index_builder.sources.times import parse_time
from model.errors import SourceError
from model.geo import LatLon
from model.places import Place


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
    listing = _Listing(file, columns, len(header))
    for done, (line, row) in enumerate(rows, start=1):
        listing.add(line, row)
        if on_progress is not None:
            on_progress(done)
    if not listing.places and not listing.left_out:
        raise SourceError(f"{file} lists no pictures: there is no row below the header")
    return SourceListing(tuple(listing.places), tuple(listing.left_out), "csv", file)


@dataclass
class _Listing:
    """What has been read so far."""

    file: Path
    columns: Columns
    width: int
    places: list[Place] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    line_of_path: dict[str, int] = field(default_factory=dict)
    line_of_id: dict[str, int] = field(default_factory=dict)

    def add(self, line: int, row: list[str]) -> None:
        cells = [cell.strip() for cell in row] + [""] * (self.width - len(row))
        name = cells[self.columns.path]
        if any(cells[self.width :]):
            self._skip(
                name,
                LeftOutCode.INVALID_ROW,
                f"line {line} has {len(row)} values and the header {self.width}: values that contain the separator "
                "need quotes around them",
            )
        elif not name:
            self._skip(name, LeftOutCode.INVALID_ROW, f"line {line} names no picture")
        elif isinstance(
            position := _position(cells[self.columns.latitude], cells[self.columns.longitude]),
            Unplaced,
        ):
            self._skip(name, position.code, f"line {line}: {position.reason}")
        elif not is_file(path := resolve_picture(self.file.parent, name)):
            reason = f"line {line}: there is no file {path}"
            self.left_out.append(LeftOut(name, "rejected", LeftOutCode.MISSING_FILE, reason))
        elif (first_line := self.line_of_path.setdefault(str(path), line)) != line:
            self._skip(name, LeftOutCode.DUPLICATE, f"line {line} lists the same picture as line {first_line}")
        else:
            self.places.append(self._place(line, cells, path, position))

    def _skip(self, name: str, code: LeftOutCode, reason: str) -> None:
        self.left_out.append(skipped(name, Unplaced(code, reason)))

    def _place(self, line: int, cells: list[str], path: Path, position: LatLon) -> Place:
        columns = self.columns
        identifier = cells[columns.id] if columns.id is not None else ""
        identifier = identifier or path_below(self.file.parent, path)
        first_line = self.line_of_id.setdefault(identifier, line)
        if first_line != line:
            raise SourceError(
                f"{self.file} gives the id {identifier!r} to two pictures, in lines {first_line} and {line}; "
                "ids must be unique"
            )
        heading_deg = parse_number(cells[columns.heading]) if columns.heading is not None else None
        return Place(
            id=identifier,
            path=path,
            position=position,
            heading_deg=None if heading_deg is None else compass_deg(heading_deg),
            time=parse_time(cells[columns.time]) if columns.time is not None else None,
        )


def _position(latitude: str, longitude: str) -> LatLon | Unplaced:
    if not latitude or not longitude:
        return Unplaced(LeftOutCode.NO_POSITION, "latitude or longitude is empty")
    latitude_deg, longitude_deg = parse_number(latitude), parse_number(longitude)
    if latitude_deg is None or longitude_deg is None:
        return Unplaced(LeftOutCode.INVALID_POSITION, f"{latitude!r}, {longitude!r} are not degrees as decimal numbers")
    return checked_position(latitude_deg, longitude_deg)
