"""Pictures of a list that are panoramas, as their own XMP says: the list need not."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from index_builder.sources.geotag import Geotag, Pose
from index_builder.sources.listing import SourceListing, skipped
from index_builder.sources.rules import Rules
from index_builder.sources.xmp import xmp_geotag
from model.images import read_metadata
from model.picture_errors import ImageError
from model.places import Place
from model.positions import Unplaced
from place_map.left_out import LeftOut

_THREADS = 8


def with_panoramas(listing: SourceListing, rules: Rules) -> SourceListing:
    """Return a list with its panoramas left out, or marked to be cut: the head of every picture is read.

    A picture whose head cannot be read stays: what decodes it says why.
    """
    places: list[Place] = []
    left_out: list[LeftOut] = []
    panoramas = dict(listing.panoramas)
    for place, pose in zip(listing.places, _poses(place.path for place in listing.places), strict=True):
        settled = rules.settle(Geotag(place.position, panorama=pose))
        if isinstance(settled.position, Unplaced):
            left_out.append(skipped(place.id, settled.position))
            continue
        places.append(place)
        if pose is not None:
            panoramas[place.id] = pose
    if len(panoramas) == len(listing.panoramas) and not left_out:
        return listing
    return replace(listing, places=tuple(places), left_out=(*listing.left_out, *left_out), panoramas=panoramas)


def _poses(paths: Iterable[Path]) -> Iterator[Pose | None]:
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="read-heads") as threads:
        yield from threads.map(_pose_of, paths)


def _pose_of(path: Path) -> Pose | None:
    try:
        packet = read_metadata(path).xmp
    except ImageError:
        return None
    return xmp_geotag(packet).panorama if packet else None
