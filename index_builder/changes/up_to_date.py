"""Whether a map holds what a build would make now."""

from pathlib import Path

from index_builder.build_options import BuildOptions
from index_builder.changes.update import find_differences
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.progress import SILENT, Progress
from place_map.manifest import Manifest
from place_map.reader import PlaceMap


def is_up_to_date(
    map_dir: Path, listing: SourceListing, encoder: Encoder, options: BuildOptions, progress: Progress = SILENT
) -> Manifest | None:
    """Compares a map with what it would be built from, and how; every file of the collection is read.

    Args:
        map_dir: A map.
        listing: The collection.
        encoder: The network, its preprocessing and precision.
        options: Index, store and thumbnails.
        progress: Told about every picture.

    Returns:
        The manifest of the version that is served, if building again would give its pictures, features and index; else
        None.

    Raises:
        MapError: The map cannot be used.
    """
    with PlaceMap.open(map_dir) as place_map:
        manifest = place_map.manifest
        is_alike = (
            [source.path for source in manifest.sources] == [str(listing.root.resolve())]
            and manifest.network.fingerprint == encoder.fingerprint
            and manifest.network.precision == encoder.precision
            and manifest.preprocessing is encoder.preprocessing
            and place_map.store == options.store
            and options.index in (manifest.index.requested, manifest.index.factory)
            and any(segment.thumbnails.count for segment in manifest.segments) == options.thumbnails
        )
        if not is_alike:
            return None
        found = find_differences(place_map, 0, listing.places, listing.root, progress)
        known_rejected = manifest.counts.rejected - sum(each.outcome == "rejected" for each in listing.left_out)
        is_same = not (found.to_copy or found.dead) and len(found.to_encode) == known_rejected
        return manifest if is_same else None
