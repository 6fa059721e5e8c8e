"""CSV files as people write them: UTF-8, with a header, separated by comma, semicolon or tab."""

import csv
import os
from collections.abc import Iterator
from io import StringIO
from math import isfinite
from pathlib import Path

from model.errors import SourceError

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
    rows = _rows_of(_text(file), file)
    _, header = next(rows, (0, []))
    if not header:
        raise SourceError(f"{file} is empty")
    return header, rows


def resolve_picture(folder: Path, name: str) -> Path:
    """The path that a cell names, relative to the folder of its file."""
    path = Path(os.path.normpath(folder / name))
    if "\\" in name and not is_file(path):
        path = Path(os.path.normpath(folder / name.replace("\\", "/")))  # a list that was written on Windows
    return path


def is_file(path: Path) -> bool:
    """Whether a path leads to a file that can be looked at."""
    try:
        return path.is_file()
    except OSError:
        return False  # a name that is too long for any file, a folder that may not be looked into


def path_below(folder: Path, path: Path) -> str:
    """A path as an id: below the folder with ``/`` if it lies there, as it is otherwise."""
    folder = Path(os.path.normpath(folder))
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def parse_number(text: str) -> float | None:
    """A finite number, perhaps with a decimal comma; None for anything else."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if isfinite(number) else None


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceError(f"{file} is not UTF-8 (line {line}): save it as CSV with the encoding UTF-8") from error


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
