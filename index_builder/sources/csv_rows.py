"""CSV files as people write them: UTF-8, with a header, separated by comma, semicolon or tab."""

import csv
from collections.abc import Iterator
from io import StringIO
from math import isfinite
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.text_file import read_utf8

_DELIMITERS = ",;\t"


def read_rows(file: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Reads a CSV file.

    Args:
        file: UTF-8; decimal commas need another separator, or quotes.

    Returns:
        The header; and the rows below it, each with the number of the line that it ends in. Empty rows are passed over.

    Raises:
        SourceError: It cannot be read, is not UTF-8, or is empty; while the rows are read: it is damaged.
    """
    rows = _rows_of(read_utf8(file, "CSV"), file)
    _, header = next(rows, (0, []))
    if not header:
        raise SourceError(f"{file} is empty")
    return header, rows


def parse_number(text: str) -> float | None:
    """A finite number, perhaps with a decimal comma; None for anything else."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if isfinite(number) else None


def _rows_of(text: str, file: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows with the numbers of the lines that they end in; empty ones are passed over."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise SourceError(f"{file} is not a CSV file, or damaged, in line {reader.line_num}: {error}") from error


def _delimiter(text: str) -> str:
    """The separator that cuts the header into the most columns; a comma if none does."""
    header = text.lstrip().split("\n", 1)[0]
    return max(_DELIMITERS, key=header.count)
