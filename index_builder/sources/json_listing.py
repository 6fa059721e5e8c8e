"""Files of JSON: which of three kinds one is, told by what it holds."""

from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.gathering import Unit
from index_builder.sources.geojson import FEATURE_COLLECTION, read_geojson
from index_builder.sources.json_file import Entries, read_document, read_lines
from index_builder.sources.listing import OnProgress, SourceListing
from index_builder.sources.mapillary_api import is_mapillary_api, read_mapillary_api
from index_builder.sources.mapillary_description import is_mapillary_description, read_mapillary_description

LINES_SUFFIX = ".jsonl"
JSON_SUFFIXES = frozenset({".json", ".geojson", LINES_SUFFIX})
_MEMBERS_NAMED = 8


def read_json(file: Path, on_progress: OnProgress | None = None) -> SourceListing:
    """Reads a file of image entities of the Mapillary API, of mapillary_tools' descriptions, or of GeoJSON.

    Args:
        file: UTF-8; one document, or one entry in each line where its name ends in .jsonl.
        on_progress: Called with the number of entries looked at so far.

    Raises:
        SourceError: It cannot be read, is not JSON or of none of these kinds, or lists nothing; or what the kind's own
            reader refuses.
    """
    if file.suffix.lower() == LINES_SUFFIX:
        return _read_entries(file, read_lines(file), "line", on_progress)
    document = read_document(file)
    if isinstance(document, dict) and document.get("type") == FEATURE_COLLECTION:
        return read_geojson(file, document, on_progress)
    entries = document.get("data") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise _unknown(file, document)
    return _read_entries(file, tuple(enumerate(entries, start=1)), "entry", on_progress)


def _read_entries(file: Path, entries: Entries, unit: Unit, on_progress: OnProgress | None) -> SourceListing:
    if not entries:
        raise SourceError(f"{file} lists no pictures: its list is empty")
    if is_mapillary_description(entries):
        return read_mapillary_description(file, entries, unit, on_progress)
    if is_mapillary_api(entries):
        return read_mapillary_api(file, entries, unit, on_progress)
    raise _unknown(file, entries[0][1], f"the first {unit} of its list")


def _unknown(file: Path, found: object, what: str = "it") -> SourceError:
    if isinstance(found, dict):
        names = ", ".join(list(found)[:_MEMBERS_NAMED]) + (", …" if len(found) > _MEMBERS_NAMED else "")
        holds = f"an object with the members {names}" if found else "an empty object"
    else:
        holds = "a list" if isinstance(found, list) else "neither an object nor a list"
    return SourceError(
        f"{file} is none of the three kinds of JSON that list pictures: {what} is {holds}. Understood are answers of "
        "the Mapillary API (entities with id, and geometry or computed_geometry), the mapillary_image_description.json "
        "of mapillary_tools (objects with filename, MAPLatitude and MAPLongitude), and GeoJSON (a FeatureCollection)"
    )
