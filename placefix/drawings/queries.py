"""Queries to show: pictures, with their positions if they state them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.kinds import CSV_SUFFIXES, LIST_SUFFIXES
from index_builder.sources.photo import read_photo
from index_builder.sources.picture_paths import PictureFinder
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from index_builder.sources.utm_folder import is_utm_name, read_utm_picture
from model.errors import InvalidInput
from model.geo import LatLon
from model.images import DEFAULT_LIMITS, ImageLimits, check_header
from model.picture_errors import ImageError
from model.places import Place
from place_map.left_out import LeftOut


@dataclass(frozen=True)
class Query:
    """Describe a picture to ask with.

    Attributes:
        name: The name of the picture in its collection.
        path: The path of the file.
        position: The position where it was taken; None if it is unknown.
    """

    name: str
    path: Path
    position: LatLon | None


@dataclass(frozen=True)
class QueryListing:
    """List the queries that were found.

    Attributes:
        queries: The queries, in the given order.
        unreadable: Sentences about pictures of a folder or list that cannot be used.
    """

    queries: tuple[Query, ...]
    unreadable: tuple[str, ...]


def read_queries(
    sources: Sequence[Path],
    reading: ReadOptions | None = None,
    *,
    limits: ImageLimits = DEFAULT_LIMITS,
) -> QueryListing:
    """List the queries in pictures, folders of pictures and lists; headers are read, no pixel is decoded.

    A picture without a position is a query, too.

    Args:
        sources: The paths that were given.
        reading: The options of reading for folders and lists.
        limits: The limits on pictures.

    Raises:
        SourceError: A path does not exist, cannot be read or holds no picture.
        ImageError: A picture that was named itself cannot be used.
        InvalidInput: No query can be used.
    """
    queries: list[Query] = []
    unreadable: list[str] = []
    for source in sources:
        if source.is_file() and source.suffix.lower() not in LIST_SUFFIXES:
            check_header(source, limits)
            queries.append(_read_picture(source))
            continue
        if not source.exists():
            raise SourceError(
                f"{source} does not exist: expected a picture, a folder of pictures or a file that lists pictures"
            )
        listing = read_source(source, _that_apply(reading or ReadOptions(), source))
        finder = PictureFinder(source if source.is_dir() else source.parent, listing.options.root)
        listed = [Query(place.id, place.path, place.position) for place in listing.places]
        for left_out in listing.left_out:
            path = finder.find(left_out.path)
            if left_out.outcome == "skipped" and isinstance(path, Path):
                listed.append(Query(left_out.path, path, None))
            else:
                unreadable.append(f"{left_out.path}: {left_out.reason}")
        for query in sorted(listed, key=lambda each: each.name) if source.is_dir() else listed:
            try:
                check_header(query.path, limits)
            except ImageError as error:
                unreadable.append(error.message)
            else:
                queries.append(query)
    if not queries:
        reason = f"; the first of {len(unreadable)} reasons: {unreadable[0]}" if unreadable else ""
        raise InvalidInput(f"not one query can be used{reason}")
    return QueryListing(tuple(queries), tuple(unreadable))


def _that_apply(reading: ReadOptions, source: Path) -> ReadOptions:
    """Return the options without those that do not apply to a source."""
    reading = replace(reading, side="query")
    if source.suffix.lower() not in CSV_SUFFIXES:
        reading = replace(reading, path_column=None, latitude_column=None, longitude_column=None)
    return replace(reading, root=None) if source.is_dir() else replace(reading, assume_hemisphere="")


def _read_picture(path: Path) -> Query:
    reader = read_utm_picture if is_utm_name(path.name) else read_photo
    found: Place | LeftOut = reader(path.parent, path.name)
    return Query(path.name, path, found.position if isinstance(found, Place) else None)
