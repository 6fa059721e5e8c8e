"""``placefix add``: add pictures to a map."""

import time
from pathlib import Path

from index_builder.build_options import BuildOptions
from index_builder.change_report import ChangeReport
from index_builder.changes.collections import CollectionChange, prefixed, revising, revision_by, source_hint
from index_builder.digests import request_digest
from index_builder.new_version import make_version
from index_builder.segment_engine import SegmentEngine
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.errors import InvalidInput
from model.progress import SILENT, Progress
from place_map.manifest import SourceHint


def add_pictures(
    map_dir: Path,
    listing: SourceListing,
    encoder: Encoder,
    options: BuildOptions | None = None,
    progress: Progress = SILENT,
    *,
    prefix: str = "",
    skip_existing: bool = False,
    restart: bool = False,
    engine: SegmentEngine | None = None,
) -> ChangeReport:
    """Add the pictures of a collection to a map, as a new version that is served.

    Features in the map are not computed again. After a kill or an interruption, the same call continues; repeated at
    once after success, it does nothing.

    Args:
        map_dir: The map.
        listing: The collection.
        encoder: The network and preprocessing that the map was made with.
        options: Batch size, segment size, the share of pictures that may be rejected.
        progress: The display of the progress, by batches.
        prefix: Text in front of the collection's ids, for collections that share ids.
        skip_existing: Whether to skip pictures of the collection whose ids are in the map.
        restart: Whether to throw away the work of an interrupted run.
        engine: Encodes the pictures, as the encoder would; by default the encoder does.

    Raises:
        InvalidInput: An id is in the map already.
        NetworkMismatch: The map was made with another network, preprocessing or precision.
        MapError, SourceError: As in ``index_builder.new_version.make_version``.
    """
    options = options or BuildOptions()
    started_s = time.perf_counter()
    with revising(map_dir, encoder) as (staging, place_map):
        base = place_map.manifest
        request_sha256 = request_digest("add", (prefix, skip_existing), listing)
        if base.change.request_sha256 == request_sha256:
            return ChangeReport.of(map_dir, base, started_s)
        places = prefixed(listing.places, prefix)
        existing = {place.id for place in places if place_map.places.row_of(place.id) is not None}
        if existing and not skip_existing:
            first = next(place.id for place in places if place.id in existing)
            raise InvalidInput(
                f"{len(existing):,} of {len(places):,} pictures have ids that are in {map_dir} already, the first is "
                f"{first!r}. If they are the same pictures: --skip-existing, or placefix update. If they are "
                "others: --prefix NAME/ puts NAME/ in front of the new ids"
            )
        sources, listed = _with_source(base.sources, source_hint(listing, prefix))
        change = CollectionChange(to_encode=tuple(place for place in places if place.id not in existing))
        if change.is_empty and listed < len(base.sources):
            return ChangeReport.of(map_dir, base, started_s)
        revision = revision_by(change, "add", request_sha256, place_map, listing, sources, listed, options)
        return make_version(staging, revision, encoder, options, progress, restart=restart, engine=engine)


def _with_source(sources: tuple[SourceHint, ...], hint: SourceHint) -> tuple[tuple[SourceHint, ...], int]:
    """Return the sources of a map, extended by one if it is new, and the number of this source."""
    for number, known in enumerate(sources):
        if (known.path, known.prefix) == (hint.path, hint.prefix):
            return sources, number
    return (*sources, hint), len(sources)
