"""A CSV file that lists pictures with their positions: ``path,latitude,longitude[,heading][,time][,id]``."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.csv_columns import Columns, find_columns
from index_builder.sources.csv_rows import read_rows
from index_builder.sources.gathering import Gathering, gather
from index_builder.sources.json_file import Unit
from index_builder.sources.listing import LeftOutCode, ListingKind, OnProgress, SourceListing
from index_builder.sources.rules import Rules
from index_builder.sources.table_row import row_geotag

_SOURCE_FILE = "sourcefile"


def read_csv(file: Path, rules: Rules | None = None, on_progress: OnProgress | None = None) -> SourceListing:
    """Read a CSV file: the first row names the columns, separated by comma, semicolon, tab or bar.

    Paths are relative to the file's folder. Numbers may have a decimal comma. A heading or a time that cannot be read
    counts as unknown, and the picture stays. The pictures are not opened.

    Args:
        file: The CSV file.
        rules: The rules for pictures.
        on_progress: The function that is called with the number of rows read so far.

    Returns:
        The listing, of kind ``csv``, or ``exiftool`` if it is a table of that program, in the file's order. Ids come
        from the id column, else from the paths.

    Raises:
        SourceError: The file cannot be read, lacks a column, lists nothing, or gives two pictures one id.
    """
    header, rows = read_rows(file)
    return read_table(file, header, rows, "line", rules or Rules(), on_progress)


def read_table(
    file: Path,
    header: list[str],
    rows: Iterable[tuple[int, list[str]]],
    unit: Unit,
    rules: Rules,
    on_progress: OnProgress | None,
) -> SourceListing:
    """List the pictures of a table.

    Args:
        file: The file that was read.
        header: Names of the columns.
        rows: The rows below the header, with their numbers.
        unit: The name of a row in messages.
        rules: The rules for pictures.
        on_progress: The function that is called with the number of rows read so far.

    Raises:
        SourceError: The table lacks a column, lists nothing, or gives two pictures one id.
    """
    columns = find_columns(header, file, rules.options)
    is_exiftool = any(name.strip().lower() == _SOURCE_FILE for name in header)
    kind: ListingKind = "exiftool" if is_exiftool else "csv"
    listing = gather(file, unit, kind, rows, partial(_add, columns, len(header)), rules, on_progress)
    if not len(listing) and not listing.passed_over:
        raise SourceError(f"{file} lists no pictures: there is no row below the header")
    return listing


def _add(columns: Columns, width: int, gathering: Gathering, number: int, row: list[str]) -> None:
    cells = [cell.strip() for cell in row] + [""] * (width - len(row))
    names = columns.filled(cells, "path")
    if any(cells[width:]):
        gathering.skip(
            "".join(names[:1]),
            LeftOutCode.INVALID_ROW,
            f"{gathering.unit} {number} has {len(row)} values and the header {width}: values that contain the "
            "separator need quotes around them",
        )
    elif not names:
        gathering.skip("", LeftOutCode.INVALID_ROW, f"{gathering.unit} {number} names no picture")
    else:
        identifier = columns.first_cell(cells, "id")
        gathering.add_named(number, names, row_geotag(columns, cells), identifier=identifier)
