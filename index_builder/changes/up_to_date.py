"""The check whether a build would make the same map again."""

from collections.abc import Sequence
from pathlib import Path

from index_builder.build_options import BuildOptions
from index_builder.changes.update import find_differences
from index_builder.picture_files import content_sum, source_base, source_path
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.progress import SILENT, Progress
from place_map.left_out import LeftOut, read_left_out
from place_map.reader import PlaceMap


def is_up_to_date(
    map_dir: Path,
    listings: Sequence[SourceListing],
    encoder: Encoder,
    options: BuildOptions,
    progress: Progress = SILENT,
) -> bool:
    """Compare a map with the collections and options of a build; every file of the collections is read.

    Args:
        map_dir: A map.
        listings: The collections.
        encoder: The network, its preparation and precision.
        options: Index, store and thumbnails.
        progress: The display of the progress, by pictures.

    Returns:
        Whether a build would give the pictures, features and index of the version that is served, and would reject
        the same files.

    Raises:
        MapError: The map cannot be used.
    """
    with PlaceMap.open(map_dir) as place_map:
        manifest = place_map.manifest
        is_alike = (
            [source.path for source in manifest.sources] == [str(listing.root.resolve()) for listing in listings]
            and not any(source.prefix for source in manifest.sources)
            and manifest.network.fingerprint == encoder.fingerprint
            and manifest.network.precision == encoder.precision
            and manifest.preparation == encoder.preparation
            and place_map.store == options.store
            and options.match_floor in (None, manifest.features.match_floor)
            and options.reranker in (None, manifest.features.reranker)
            and options.index in (manifest.index.requested, manifest.index.factory)
            and any(segment.thumbnails.count for segment in manifest.segments) == options.thumbnails
        )
        if not is_alike:
            return False
        left_out = read_left_out(map_dir, manifest.version)
        return all(
            _holds(place_map, number, listing, left_out.get(number, ()), progress)
            for number, listing in enumerate(listings)
        )


def _holds(
    place_map: PlaceMap, number: int, listing: SourceListing, left_out: Sequence[LeftOut], progress: Progress
) -> bool:
    """Return whether a map has all pictures of a collection, except those that it rejected with the same bytes."""
    found = find_differences(place_map, number, listing.places, listing.root, progress)
    if found.to_copy or found.dead:
        return False
    base = source_base(listing.root)
    now = {(source_path(place.path, base), content_sum(place.path)) for place in found.to_encode}
    now |= {(entry.path, entry.content_sha256) for entry in listing.left_out if entry.outcome == "rejected"}
    return now == {(entry.path, entry.content_sha256) for entry in left_out if entry.outcome == "rejected"}
