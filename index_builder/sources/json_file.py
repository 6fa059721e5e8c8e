"""JSON as programs write it: one document, or one in each line; and the values in it, of which nothing is promised."""

import json
from math import isfinite
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.text_file import read_utf8

Entries = tuple[tuple[int, object], ...]
"""The entries of a list with their numbers, from 1: lines of the file, or positions in the list."""


def read_document(file: Path) -> object:
    """Reads a file that holds one JSON value.

    Raises:
        SourceError: It cannot be read, is not UTF-8, or is not JSON; with line and column.
    """
    return _parse(read_utf8(file, "JSON"), file, first_line=1)


def read_lines(file: Path) -> Entries:
    """Reads a file that holds one JSON value in each line; empty lines are passed over.

    Raises:
        SourceError: It cannot be read, is not UTF-8, or a line is not JSON; with line and column.
    """
    # Not splitlines: JSON lets text hold other characters that end a line.
    lines = read_utf8(file, "JSON").split("\n")
    return tuple((number, _parse(line, file, number)) for number, line in enumerate(lines, start=1) if line.strip())


def number_in(value: object) -> float | None:
    """A finite JSON number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return number if isfinite(number) else None


def text_in(value: object) -> str:
    """A JSON string without blanks around it; empty for anything else."""
    return value.strip() if isinstance(value, str) else ""


def _parse(text: str, file: Path, first_line: int) -> object:
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise SourceError(
            f"{file} is not JSON, or damaged, in line {line}, column {error.colno}: {error.msg}"
        ) from error
    except ValueError as error:
        raise SourceError(f"{file} holds a number that is too long to be one: {error}") from error
    except RecursionError as error:
        raise SourceError(f"{file} nests lists or objects too deep to be a list of pictures") from error
    return value
