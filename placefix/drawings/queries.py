"""Queries to show: pictures, with the position that they state if they do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.exif_folder import read_exif_picture
from index_builder.sources.read import CSV_SUFFIXES, LIST_SUFFIXES, read_source
from index_builder.sources.utm_folder import is_utm_name, read_utm_picture
from model.errors import InvalidInput
from model.geo import LatLon
from model.images import DEFAULT_LIMITS, ImageLimits, check_header
from model.picture_errors import ImageError
from model.places import Place
from place_map.left_out import LeftOut


@dataclass(frozen=True)
class Query:
    """A picture to ask with.

    Attributes:
        name: What its collection calls it.
        path: Where it lies.
        position: Where it was taken; None if nothing says so.
    """

    name: str
    path: Path
    position: LatLon | None


@dataclass(frozen=True)
class QueryListing:
    """What was found.

    Attributes:
        queries: In the order given.
        unreadable: For each picture of a folder or list that cannot be used, a sentence.
    """

    queries: tuple[Query, ...]
    unreadable: tuple[str, ...]


def read_queries(
    sources: Sequence[Path],
    *,
    latitude_column: str | None = None,
    longitude_column: str | None = None,
    limits: ImageLimits = DEFAULT_LIMITS,
) -> QueryListing:
    """Lists the queries among pictures, folders of pictures and lists; headers are read, no pixel is decoded.

    A picture without a position is a query all the same.

    Args:
        sources: What was given.
        latitude_column: Of the CSV files, if it is spelled in none of the usual ways.
        longitude_column: Likewise.
        limits: What a picture may be like.

    Raises:
        SourceError: A path is not there, cannot be read or holds no picture.
        ImageError: A picture that was named itself cannot be used.
        InvalidInput: Not one query can be used.
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
        columns = (latitude_column, longitude_column) if source.suffix.lower() in CSV_SUFFIXES else (None, None)
        listing = read_source(source, latitude_column=columns[0], longitude_column=columns[1])
        folder = source if source.is_dir() else source.parent
        listed = [Query(place.id, place.path, place.position) for place in listing.places]
        for left_out in listing.left_out:
            path = folder / left_out.path
            if left_out.outcome == "skipped" and path.is_file():
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


def _read_picture(path: Path) -> Query:
    reader = read_utm_picture if is_utm_name(path.name) else read_exif_picture
    found: Place | LeftOut = reader(path.parent, path.name)
    return Query(path.name, path, found.position if isinstance(found, Place) else None)
