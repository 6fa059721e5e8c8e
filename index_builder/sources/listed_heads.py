"""The comparison of a list with the heads of its pictures, which may be panoramas or contradict the list."""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import ExifTags

from index_builder.sources.geotag import Geotag, Pose, Remark
from index_builder.sources.listing import SourceListing, skipped
from index_builder.sources.rules import Rules
from index_builder.sources.xmp import xmp_geotag
from model.exif_position import exif_position
from model.geo import LatLon, distance_m
from model.images import read_metadata
from model.picture_errors import ImageError
from model.places import Place
from model.positions import Unplaced
from place_map.left_out import LeftOut

CONTRADICTION_M = 1000.0
"""A list and a picture whose positions lie farther apart contradict each other."""

_THREADS = 8


@dataclass(frozen=True, slots=True)
class _Head:
    """Hold data from the head of a file.

    Attributes:
        panorama: The pose of its camera, if it is a panorama.
        position: The position in its EXIF block; None if it has none.
    """

    panorama: Pose | None = None
    position: LatLon | None = None


def compare_with_heads(listing: SourceListing, rules: Rules) -> SourceListing:
    """Return a list with its panoramas left out, or marked to be cut, and a count of positions that contradict EXIF.

    The position of the list counts, because people correct the errors of receivers in lists. A picture whose head
    cannot be read stays: its decoding will report the error.

    Args:
        listing: The listing of a list.
        rules: The rules for panoramas.
    """
    places: list[Place] = []
    left_out: list[LeftOut] = []
    panoramas = dict(listing.panoramas)
    contradictions = 0
    for place, head in zip(listing.places, _heads(place.path for place in listing.places), strict=True):
        settled = rules.settle(Geotag(place.position, panorama=head.panorama))
        if isinstance(settled.position, Unplaced):
            left_out.append(skipped(place.id, settled.position))
            continue
        places.append(place)
        if head.panorama is not None:
            panoramas[place.id] = head.panorama
        if head.position is not None and distance_m(head.position, place.position) > CONTRADICTION_M:
            contradictions += 1
    return replace(
        listing,
        places=tuple(places),
        left_out=(*listing.left_out, *left_out),
        panoramas=panoramas,
        remarks=Counter(listing.remarks) + Counter({Remark.CONTRADICTS_EXIF: contradictions}),
    )


def _heads(paths: Iterable[Path]) -> Iterator[_Head]:
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="read-heads") as threads:
        yield from threads.map(_head_of, paths)


def _head_of(path: Path) -> _Head:
    try:
        metadata = read_metadata(path)
    except ImageError:
        return _Head()
    position = exif_position(metadata.exif.get_ifd(ExifTags.IFD.GPSInfo))
    return _Head(
        panorama=xmp_geotag(metadata.xmp).panorama if metadata.xmp else None,
        position=position if isinstance(position, LatLon) else None,
    )
