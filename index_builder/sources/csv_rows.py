"""CSV files as people write them: with a header, separated by comma, semicolon, tab or bar."""

import csv
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.text_file import read_text

_DELIMITERS = ",;\t|"
_LINE_END = re.compile(r"\r\n|\r|\n")


def read_rows(file: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Read a CSV file.

    Args:
        file: UTF-8, UTF-16 with a byte order mark, or Windows-1252; decimal commas need another separator, or quotes. A
            first line ``sep=;``, as Excel writes it, names the separator.

    Returns:
        The header; and the rows below it, each with the number of the line that it ends in. Empty rows are passed over.

    Raises:
        SourceError: It cannot be read, or is empty; while the rows are read: it is damaged.
    """
    rows = _rows_of(read_text(file, "CSV", may_be_ansi=True), file)
    _, header = next(rows, (0, []))
    if not header:
        raise SourceError(f"{file} is empty")
    return header, rows


def _rows_of(text: str, file: Path) -> Iterator[tuple[int, list[str]]]:
    """Return rows with the numbers of the lines that they end in; empty ones are passed over."""
    first_line, *rest = _LINE_END.split(text, maxsplit=1)
    stated = first_line.strip().strip('"')
    is_stated = stated[:4].lower() == "sep=" and len(stated) <= 5
    delimiter = (stated[4:] or "\t") if is_stated else _delimiter(text)
    reader = csv.reader(StringIO("".join(rest) if is_stated else text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num + is_stated, row
    except csv.Error as error:
        raise SourceError(
            f"{file} is not a CSV file, or damaged, in line {reader.line_num + is_stated}: {error}"
        ) from error


def _delimiter(text: str) -> str:
    """Return the separator that cuts the header into the most columns; a comma if none does."""
    header = _LINE_END.split(text.lstrip(), maxsplit=1)[0]
    return max(_DELIMITERS, key=header.count)
