"""Digests that identify a request, a plan or the state of source files."""

import hashlib
from collections.abc import Iterable, Iterator

from index_builder.picture_files import file_stamp
from index_builder.sources.listing import SourceListing
from index_builder.sources.read_options import ReadOptions
from place_map.manifest import ChangeKind


def digest_of(lines: Iterable[str]) -> str:
    """Return the SHA-256 over lines of text."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()


def request_digest(kind: ChangeKind, details: Iterable[object], *listings: SourceListing) -> str:
    """Return the digest of a request. The new version keeps it, so that a repeated command is recognised.

    Args:
        kind: The command.
        details: Other parts of the request; their ``repr`` counts.
        *listings: The collections. The size and time of change of their files count: the same names with other content
            are another request.
    """
    return digest_of([kind, *(repr(detail) for detail in details), *_lines_of(listings)])


def _lines_of(listings: Iterable[SourceListing]) -> Iterator[str]:
    for listing in listings:
        yield f"{listing.kind} {listing.root.resolve()}"
        if listing.options != ReadOptions():
            yield repr(listing.options)
        for place in listing.places:
            path = place.path.absolute()
            yield repr((place.id, str(path), place.position, place.heading_deg, place.time, file_stamp(path)))
        yield from (repr(entry) for entry in listing.left_out)
