"""``placefix add``: more pictures for a map."""

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from index_builder.build_options import BuildOptions
from index_builder.change_staging import changing
from index_builder.changes.network import check_encoder
from index_builder.changes.rows import encoded_segments
from index_builder.revise import ChangeReport, report_of, revise
from index_builder.revision import Revision
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.errors import InvalidInput
from model.places import Place
from model.progress import SILENT, Progress
from place_map.left_out import read_left_out
from place_map.manifest import Manifest, SourceHint
from place_map.reader import PlaceMap


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
) -> ChangeReport:
    """Adds the pictures of a collection to a map, as a new version that is served.

    What is in the map is not computed again. Killed or interrupted, the same call continues.

    Args:
        map_dir: The map.
        listing: What to add.
        encoder: The network and preprocessing that the map was made with.
        options: Batch size, segment size, the share of pictures that may be rejected.
        progress: Told about every batch.
        prefix: Put in front of what the collection calls its pictures, where two call theirs alike.
        skip_existing: Leave pictures of the map alone whose ids the collection has, too.
        restart: Throw away what an interrupted run has done.

    Raises:
        InvalidInput: An id is in the map already, or the collection is.
        NetworkMismatch: Another network, preprocessing or precision.
        MapError, SourceError: As in ``index_builder.revise.revise``.
    """
    options = options or BuildOptions()
    started_s = time.perf_counter()
    with changing(map_dir) as staging, PlaceMap.open(map_dir) as place_map:
        check_encoder(place_map, encoder)
        base = place_map.manifest
        hint = SourceHint(kind=listing.kind, path=str(listing.root.resolve()), prefix=prefix)
        places = prefixed(listing.places, prefix)
        existing = [place.id for place in places if place_map.places.row_of(place.id) is not None]
        if existing and not skip_existing:
            if _was_added(base, hint, existing, places):
                return report_of(map_dir, base, 0, started_s)
            raise InvalidInput(
                f"{len(existing):,} of {len(places):,} pictures have ids that are in {map_dir} already, the first is "
                f"{existing[0]!r}. If they are the same pictures: --skip-existing, or placefix update. If they are "
                "others: --prefix NAME/ puts NAME/ in front of the new ids"
            )
        sources, listed = with_source(base.sources, hint)
        there = set(existing)
        to_encode = tuple(place for place in places if place.id not in there)
        size = options.segment_size_for(len(places))
        new = encoded_segments(listed, to_encode, size)
        left_out = read_left_out(map_dir, base.version)
        if not new and listed < len(base.sources):
            return report_of(map_dir, base, 0, started_s)
        revision = Revision(
            kind="add",
            base=base,
            sources=sources,
            segments=(*base.segments, *new),
            left_out={source: entries for source, entries in left_out.items() if source != listed},
            listing=replace(listing, places=to_encode),
            listed=listed,
            found=len(listing),
        )
        return revise(staging, revision, encoder, options, progress, restart=restart)


def prefixed(places: Sequence[Place], prefix: str) -> tuple[Place, ...]:
    """Pictures with something in front of their ids."""
    return tuple(replace(place, id=prefix + place.id) for place in places) if prefix else tuple(places)


def with_source(sources: tuple[SourceHint, ...], hint: SourceHint) -> tuple[tuple[SourceHint, ...], int]:
    """The sources of a map with another one, and the number of that; it may be there already."""
    for number, known in enumerate(sources):
        if (known.path, known.prefix) == (hint.path, hint.prefix):
            return sources, number
    return (*sources, hint), len(sources)


def _was_added(base: Manifest, hint: SourceHint, existing: Collection[str], places: Sequence[Place]) -> bool:
    """Whether the last change was this one: the command that was killed at its very end is given again."""
    return base.change.kind == "add" and base.sources[-1] == hint and len(existing) == base.change.added <= len(places)
