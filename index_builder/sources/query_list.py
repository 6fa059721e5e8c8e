"""A file that names some of the queries, such as the 740 of MSLS's official validation."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from index_builder.errors import SourceError
from model.places import Place


def select_queries(queries: Sequence[Place], file: Path) -> tuple[Place, ...]:
    """Return the queries that a file names, in the order of the file.

    Each line has one query: its id, its file name with or without a folder and suffix, or its key (the picture id in an
    ``@UTM@`` name, the name of the file in MSLS). Empty lines and those that begin with ``#`` are passed over.

    Args:
        queries: All queries.
        file: The file, in UTF-8.

    Raises:
        SourceError: The file cannot be read, is empty, or has a line that names no query, several, or one that was
            named before.
    """
    by_name: dict[str, list[Place]] = {}
    for query in queries:
        for name in set(_names_of(query)):
            by_name.setdefault(name, []).append(query)
    selected: dict[str, Place] = {}
    for line, entry in _entries(file):
        found = by_name.get(entry) or by_name.get(PurePosixPath(entry).stem) or []
        if len(found) != 1:
            what = "is none of the queries" if not found else f"is the name of {len(found)} queries"
            raise SourceError(f"{file}, line {line}: {entry!r} {what}; is this the list of another dataset?")
        if found[0].id in selected:
            raise SourceError(f"{file}, line {line}: {entry!r} is listed twice")
        selected[found[0].id] = found[0]
    if not selected:
        raise SourceError(f"{file} names no query")
    return tuple(selected.values())


def key_of(place: Place) -> str:
    """Return the key of a picture in data sets: the picture id of an ``@UTM@`` name, else the name of the file."""
    fields = place.path.stem.split("@")
    return fields[7] if len(fields) > 7 and fields[7] else place.path.stem


def _names_of(query: Place) -> Iterator[str]:
    yield query.id
    yield query.path.name
    yield query.path.stem
    yield key_of(query)


def _entries(file: Path) -> Iterator[tuple[int, str]]:
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"the list of queries {file} cannot be read: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.strip()
        if entry and not entry.startswith("#"):
            yield number, entry
