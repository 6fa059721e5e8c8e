"""The difference between a collection and a map, for ``add`` and ``update``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from index_builder.build_options import BuildOptions
from index_builder.changes.kept_options import kept_options
from index_builder.changes.rows import StoredPicture, copied_segments, encoded_segments, without
from index_builder.revision import CopiedRow, MapSettings, Revision
from index_builder.sources.listing import SourceListing
from index_builder.staging import Staging, open_staging
from model.encoder import Encoder
from model.places import Place
from place_map.errors import NetworkMismatch
from place_map.left_out import read_left_out
from place_map.manifest import ChangeKind, SourceHint
from place_map.reader import PlaceMap


@dataclass(frozen=True)
class CollectionChange:
    """Hold the difference between a collection and a map.

    Attributes:
        to_encode: Pictures that are new, or have other bytes.
        to_copy: Pictures whose features are in the map under another id, or with another position, heading or time.
        dead: Pictures of the map that the collection lacks, or has in another form.
        gone: Ids that the collection lacks.
        replaced: Ids that the collection has in another form.
    """

    to_encode: tuple[Place, ...]
    to_copy: tuple[CopiedRow, ...] = ()
    dead: tuple[StoredPicture, ...] = ()
    gone: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Return whether the map has the collection as it is."""
        return not (self.to_encode or self.to_copy or self.dead)


@contextmanager
def revising(map_dir: Path, encoder: Encoder) -> Iterator[tuple[Staging, PlaceMap]]:
    """Hold the lock of a map, and open it to encode more pictures for it.

    Raises:
        NetworkMismatch: The map was made with another network, preprocessing or precision.
        MapError, StorageError: As ``open_staging`` and ``PlaceMap.open`` raise them.
    """
    with open_staging(map_dir) as staging, PlaceMap.open(map_dir) as place_map:
        place_map.check_network(encoder)
        own, others = place_map.manifest.preprocessing, encoder.preparation.preprocessing
        if others is not own:
            raise NetworkMismatch(
                f"map {place_map.name} was made with --preprocess {own}, not {others}, and a map has one: use the "
                "same, or build the map again"
            )
        precision = place_map.manifest.network.precision
        if encoder.precision != precision:
            raise NetworkMismatch(
                f"map {place_map.name} was encoded in {precision}, and a map has one precision: encode in it "
                f"(--network-precision {precision}), or build the map again in {encoder.precision}"
            )
        yield staging, place_map


def revision_by(
    change: CollectionChange,
    kind: ChangeKind,
    request_sha256: str,
    place_map: PlaceMap,
    listing: SourceListing,
    sources: Sequence[SourceHint],
    listed: int,
    options: BuildOptions,
) -> Revision:
    """Return the revision of a map by a collection.

    Args:
        change: The difference.
        kind: The command.
        request_sha256: The digest of the request.
        place_map: The version that is changed.
        listing: The collection as it was read.
        sources: The sources of the new version.
        listed: The number of the collection among the sources.
        options: The segment size.
    """
    base = place_map.manifest
    size = options.segment_size_for(len(listing.places))
    return Revision(
        kind=kind,
        request_sha256=request_sha256,
        base=base,
        settings=MapSettings.of(base),
        sources=tuple(sources),
        segments=(
            *without(base.segments, change.dead),
            *copied_segments(listed, change.to_copy, size),
            *encoded_segments(listed, change.to_encode, size),
        ),
        gone=change.gone,
        replaced=change.replaced,
        left_out={
            source: entries
            for source, entries in read_left_out(place_map.path, base.version).items()
            if source != listed
        },
        listings={listed: listing},
    )


def source_hint(listing: SourceListing, prefix: str = "") -> SourceHint:
    """Return the entry of a collection in a manifest."""
    return SourceHint(
        kind=listing.kind,
        path=str(listing.root.resolve()),
        prefix=prefix,
        reading=kept_options(listing.options),
    )


def prefixed(places: Sequence[Place], prefix: str) -> tuple[Place, ...]:
    """Return pictures with a prefix in front of their ids."""
    return tuple(replace(place, id=prefix + place.id) for place in places) if prefix else tuple(places)
