"""JSON as programs write it: one document, or one in each line; and its values, whose types are not guaranteed."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal

from index_builder.errors import SourceError
from index_builder.sources.text_file import read_text

LINES_SUFFIXES = frozenset({".jsonl", ".ndjson", ".geojsonl", ".geojsons"})
JSON_SUFFIXES = frozenset({".json", ".geojson"}) | LINES_SUFFIXES

Unit = Literal["line", "entry", "feature"]
"""The name of an entry of a list in messages, which count from 1."""

Entries = tuple[tuple[int, object], ...]
"""The entries of a list with their numbers, from 1: lines of the file, or positions in the list."""

_LISTS: Mapping[str, Unit] = {"features": "feature", "data": "entry"}
_GEOMETRIES = frozenset({"geometry", "computed_geometry"})
_SEVERAL_LINES = re.compile(r"\s*\x1e|[^\n]*\}[ \t\r]*\n\s*\{")  # the first line is an object, and so is the next


@dataclass(frozen=True)
class JsonContent:
    """Hold the content of a file of JSON.

    Attributes:
        document: Its only value; None if it holds one value in each line.
        entries: The listed entries: the values of its lines, or in one document the members of its list, of its
            ``data`` or ``features``, or the document itself if it is a Feature or a picture of Mapillary. None if there
            is no list.
        unit: The name of an entry in messages.
    """

    document: object
    entries: Entries | None
    unit: Unit

    @property
    def members(self) -> Mapping[str, object]:
        """Return the members of the document; none if it is not an object."""
        return self.document if isinstance(self.document, dict) else {}


def read_json_content(file: Path) -> JsonContent:
    """Read a file of one JSON value, or of one in each line, judged by its name and its content.

    Raises:
        SourceError: The file cannot be read, is not UTF-8, or is not JSON; with line and column.
    """
    text = read_text(file, "JSON")
    if file.suffix.lower() not in LINES_SUFFIXES:
        try:
            return _of_document(_parse(text, file, first_line=1))
        except SourceError:
            if not _SEVERAL_LINES.match(text):
                raise
    entries = _entries_of_lines(text, file)
    if len(entries) == 1 and isinstance(entries[0][1], dict) and _LISTS.keys() & entries[0][1].keys():
        return _of_document(entries[0][1])
    return JsonContent(None, entries, "line")


def _of_document(document: object) -> JsonContent:
    if isinstance(document, list):
        return JsonContent(document, tuple(enumerate(document, start=1)), "entry")
    if isinstance(document, dict):
        if document.get("type") == "Feature" or _is_entity(document):
            return JsonContent(document, ((1, document),), "feature")
        for name, unit in _LISTS.items():
            listed = document.get(name)
            if isinstance(listed, list):
                return JsonContent(document, tuple(enumerate(listed, start=1)), unit)
    return JsonContent(document, None, "entry")


def _entries_of_lines(text: str, file: Path) -> Entries:
    # Not splitlines: JSON lets text hold other characters that end a line. RFC 8142 puts a separator before each.
    lines = text.replace("\x1e", "").split("\n")
    return tuple((number, _parse(line, file, number)) for number, line in enumerate(lines, start=1) if line.strip())


def number_in(value: object) -> float | None:
    """Return a finite JSON number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return number if isfinite(number) else None


def text_in(value: object) -> str:
    """Return a JSON string without blanks around it; empty for anything else."""
    return value.strip() if isinstance(value, str) else ""


def _is_entity(document: Mapping[str, object]) -> bool:
    """Return whether a document is a single picture of the Mapillary API."""
    return "id" in document and not _GEOMETRIES.isdisjoint(document)


def cell_of(value: object) -> str:
    """Return a JSON value as the cell of a table; null is empty."""
    return "" if value is None else str(value).strip()


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
