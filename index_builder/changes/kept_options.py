"""The options of reading that a map keeps, so that an update reads its collections in the same way."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError

from index_builder.sources.read_options import ReadOptions
from place_map.errors import MapCorrupt
from place_map.manifest import SourceHint

_OPTIONS = TypeAdapter(ReadOptions)
_OF_THE_MOMENT = {"views_folder", "side"}


def kept_options(options: ReadOptions) -> dict[str, JsonValue]:
    """Return the options that differ from their defaults, with absolute paths."""
    options = replace(
        options,
        root=None if options.root is None else options.root.resolve(),
        gpx=tuple(track.resolve() for track in options.gpx),
    )
    kept: dict[str, JsonValue] = _OPTIONS.dump_python(
        options, mode="json", exclude_defaults=True, exclude=_OF_THE_MOMENT
    )
    return kept


def options_as_before(
    given: ReadOptions, sources: Sequence[SourceHint], source: Path, number: int | None = None
) -> ReadOptions:
    """Return the options of the command, or if it has none, those by which the collection was read before.

    Args:
        given: The options of the command.
        sources: The sources of the map.
        source: The collection.
        number: The number of the collection among the sources; None finds it by its path. A collection that is not
            found is new.

    Raises:
        InvalidInput: A kept folder or track does not exist any more.
        MapCorrupt: The map keeps options that cannot be read.
    """
    if given != ReadOptions():
        return given
    path = str(source.resolve())
    known = sources[number] if number is not None else next((each for each in sources if each.path == path), None)
    if known is None or not known.reading:
        return given
    try:
        before = _OPTIONS.validate_python(known.reading)
    except ValidationError as error:
        raise MapCorrupt(f"the map keeps options of reading {known.path} that are not valid: {error}") from error
    return replace(before, views_folder=given.views_folder)
