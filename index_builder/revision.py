"""What a new version of a map shall consist of: segments that it shares with others, and segments to be made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from index_builder.digests import digest_of
from index_builder.sources.listing import SourceListing
from model.places import Place
from model.preprocess import Preprocessing
from place_map.left_out import LeftOut
from place_map.manifest import Change, ChangeKind, FeatureShapes, Manifest, NetworkIdentity, SourceHint
from place_map.place_table import PlaceRecord
from place_map.segment import Segment


@dataclass(frozen=True, slots=True)
class CopiedRow:
    """A picture whose features are there already.

    Attributes:
        segment: Id of the segment that has them.
        row: Row of its files.
        record: The new row of the table.
    """

    segment: str
    row: int
    record: PlaceRecord


@dataclass(frozen=True)
class NewSegment:
    """A segment to be made: of pictures that are encoded, or of features that are copied.

    Attributes:
        source: Which of the sources its pictures came from.
        places: Pictures to encode.
        copies: Pictures to copy; a segment has either.
    """

    source: int
    places: tuple[Place, ...] = ()
    copies: tuple[CopiedRow, ...] = ()


@dataclass(frozen=True)
class MapSettings:
    """How every picture of a map is encoded and kept. A build chooses them, and all versions of the map share them.

    Attributes:
        network: The network that makes the features.
        preprocessing: How pictures are resized.
        features: Widths and types of the stored features.
        thumbnails: Whether small JPEGs are kept.
        index: The shortlist index that was asked for: a string of faiss's ``index_factory``, or ``auto``.
    """

    network: NetworkIdentity
    preprocessing: Preprocessing
    features: FeatureShapes
    thumbnails: bool
    index: str

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """Return the settings of a map, from one of its versions."""
        return cls(
            network=manifest.network,
            preprocessing=manifest.preprocessing,
            features=manifest.features,
            thumbnails=any(segment.thumbnails.count for segment in manifest.segments),
            index=manifest.index.requested or manifest.index.factory,
        )


@dataclass(frozen=True)
class Revision:
    """A build or a change of a map, worked out. A build revises an empty map.

    Attributes:
        kind: The command.
        request_sha256: Digest of the request, by which the new version is known again.
        base: The version that is changed; None for a build.
        settings: Of the map.
        sources: Of the new version.
        segments: Of the new version, in the order of its rows.
        gone: Ids that the new version has no more.
        replaced: Ids that it has, with another content or position.
        left_out: Source → what stays left out of it.
        listings: Source → the collection, where it was read anew: its pictures are encoded, or left out.
        calibration: A new one, as the bytes of its file; None to keep that of the base.
    """

    kind: ChangeKind
    request_sha256: str
    base: Manifest | None
    settings: MapSettings
    sources: tuple[SourceHint, ...]
    segments: tuple[Segment | NewSegment, ...]
    gone: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    left_out: Mapping[int, tuple[LeftOut, ...]] = field(default_factory=dict)
    listings: Mapping[int, SourceListing] = field(default_factory=dict)
    calibration: bytes | None = None

    @property
    def new_segments(self) -> list[NewSegment]:
        """Those that have to be made."""
        return [segment for segment in self.segments if isinstance(segment, NewSegment)]

    @property
    def most_pictures(self) -> int:
        """How many pictures the new version has if none is rejected."""
        return sum(
            len(segment.places) + len(segment.copies) if isinstance(segment, NewSegment) else segment.live_rows
            for segment in self.segments
        )

    def change(self, ids_made: Callable[[], frozenset[str]]) -> Change:
        """Return how the version came to be.

        Args:
            ids_made: Reads the ids of the pictures of the segments that were made.
        """
        if self.kind in ("build", "compact", "calibrate"):
            return Change(kind=self.kind, request_sha256=self.request_sha256)
        made = ids_made()
        return Change(
            kind=self.kind,
            added=len(made - self.replaced),
            removed=len(self.gone) + len(self.replaced - made),
            replaced=len(made & self.replaced),
            request_sha256=self.request_sha256,
        )

    def listing_sha256(self) -> str:
        """Return the SHA-256 over everything that decides which pictures the new version consists of."""
        return digest_of(line for segment in self.segments for line in _lines_of(segment))


def _lines_of(segment: Segment | NewSegment) -> list[str]:
    if isinstance(segment, Segment):
        return [segment.model_dump_json()]
    return [
        f"new, of source {segment.source}",
        *(repr(replace(place, path=place.path.absolute())) for place in segment.places),
        *(repr(copied) for copied in segment.copies),
    ]
