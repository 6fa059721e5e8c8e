"""The entry: it recognises the kind of a collection, and reads it."""

from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.json_file import JSON_SUFFIXES
from index_builder.sources.kinds import FOLDERS, JSON_KINDS, LIST_SUFFIXES, TABLES, Candidate, Kind
from index_builder.sources.listed_heads import compare_with_heads
from index_builder.sources.listing import OnProgress, SourceListing
from index_builder.sources.panorama_views import cut_panoramas
from index_builder.sources.read_options import ReadOptions
from index_builder.sources.rules import Rules

_MEMBERS_NAMED = 8


def read_source(path: Path, options: ReadOptions | None = None, on_progress: OnProgress | None = None) -> SourceListing:
    """Read the positions of the pictures of a collection; only panoramas to cut are decoded.

    ``index_builder.sources.kinds`` has the kinds of collections. The content of a file of JSON decides its kind.

    Args:
        path: A folder, or a file that lists pictures.
        options: The options of reading.
        on_progress: The function that is called with the number of pictures read so far.

    Returns:
        The pictures with and without positions; all may be without.

    Raises:
        SourceError: The path does not exist, is of no known kind, cannot be read, or holds no pictures; or an option
            does not apply to it.
    """
    options = options or ReadOptions()
    candidate = Candidate(path)
    kind = _kind_of(candidate)
    _check_options(candidate, kind, options)
    rules = Rules.of(options)
    listing = kind.read(candidate, rules, on_progress)
    if not candidate.is_folder:
        listing = compare_with_heads(listing, rules)
    if listing.panoramas and options.views_folder is not None:
        listing = cut_panoramas(listing, options.views_folder)
    return listing


def _kind_of(candidate: Candidate) -> Kind:
    path = candidate.path
    if candidate.is_folder:
        return next(kind for kind in FOLDERS if kind.is_one(candidate))
    if not path.exists():
        raise SourceError(f"{path} does not exist: expected a folder of pictures or a CSV, JSON or GeoJSON file")
    if candidate.suffix in JSON_SUFFIXES:
        found = next((kind for kind in JSON_KINDS if kind.is_one(candidate)), None)
        if found is None:
            raise _unknown_json(candidate)
        return found
    found = next((kind for kind in TABLES if kind.is_one(candidate)), None)
    if found is None:
        raise SourceError(f"{path} is neither a folder of pictures nor a {', '.join(sorted(LIST_SUFFIXES))} file")
    return found


def _check_options(candidate: Candidate, kind: Kind, options: ReadOptions) -> None:
    if candidate.is_folder and options.for_lists:
        raise SourceError(
            f"{candidate.path} is a folder: {' and '.join(options.for_lists)} applies to lists of pictures alone. "
            "If you have both, build a map of the first one, and add the other: placefix add"
        )
    if not kind.is_table and options.for_tables:
        raise SourceError(f"{candidate.path} is not a table: columns can be named for a CSV file only")
    if not candidate.is_folder and options.assume_hemisphere:
        raise SourceError(
            f"{candidate.path} is a list, whose positions are signed: --assume-hemisphere is for folders of photos"
        )


def _unknown_json(candidate: Candidate) -> SourceError:
    content = candidate.json
    if content.entries is not None and not content.entries:
        return SourceError(f"{candidate.path} lists no pictures: its list is empty")
    what, found = "it", content.document
    if content.entries:
        what, found = f"the first {content.unit} of its list", content.entries[0][1]
    if isinstance(found, dict):
        names = ", ".join(list(found)[:_MEMBERS_NAMED]) + (", …" if len(found) > _MEMBERS_NAMED else "")
        holds = f"an object with the members {names}" if found else "an empty object"
    else:
        holds = "a list" if isinstance(found, list) else "neither an object nor a list"
    return SourceError(
        f"{candidate.path} is none of the kinds of JSON that list pictures: {what} is {holds}. Understood are "
        f"{'; '.join(kind.told for kind in JSON_KINDS)}"
    )
