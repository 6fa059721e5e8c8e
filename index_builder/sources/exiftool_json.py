"""Read the output of ``exiftool -json``: a list of objects, each with the member ``SourceFile``."""

from collections.abc import Iterator
from pathlib import Path

from index_builder.sources.csv_file import read_table
from index_builder.sources.json_file import JsonContent, cell_of
from index_builder.sources.listing import OnProgress, SourceListing
from index_builder.sources.rules import Rules

_SOURCE_FILE = "SourceFile"


def is_exiftool_json(content: JsonContent) -> bool:
    """Return whether a list is one of exiftool."""
    return any(isinstance(entry, dict) and _SOURCE_FILE in entry for _, entry in content.entries or ())


def read_exiftool_json(
    file: Path, content: JsonContent, rules: Rules, on_progress: OnProgress | None = None
) -> SourceListing:
    """List the pictures of a list of exiftool, as a table with a column for each member; they are not opened.

    Args:
        file: The file that was read.
        content: The content of the file.
        rules: The rules for pictures.
        on_progress: The function that is called with the number of objects read so far.

    Raises:
        SourceError: No object has a position, or two pictures have one id.
    """
    entries = [(number, dict(_members(entry))) for number, entry in content.entries or ()]
    header = list(dict.fromkeys(name for _, entry in entries for name in entry))
    rows = ((number, [cell_of(entry.get(name)) for name in header]) for number, entry in entries)
    return read_table(file, header, rows, content.unit, rules, on_progress)


def _members(entry: object, group: str = "") -> Iterator[tuple[str, object]]:
    """Yield the members of an object, and of the groups of ``-g``, whose names stand in front."""
    for name, value in entry.items() if isinstance(entry, dict) else ():
        if isinstance(value, dict):
            yield from _members(value, f"{group}{name}:")
        else:
            yield f"{group}{name}", value
