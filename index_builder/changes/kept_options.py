"""Keep in a map how its collections were read, so that an update reads them likewise."""

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
    """Return the options that are not left at their defaults, with absolute paths."""
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
    """Return how a collection is to be read: as is said now, or else as it was read before.

    Args:
        given: The options of the command.
        sources: Of the map.
        source: The collection.
        number: Which of the sources it is; None finds it by its path, and a collection that is none of them is new.

    Raises:
        InvalidInput: A folder or track of then is not there any more.
        MapCorrupt: What the map keeps is no such options.
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
        raise MapCorrupt(f"the map keeps options of reading {known.path} that are none: {error}") from error
    return replace(before, views_folder=given.views_folder)
