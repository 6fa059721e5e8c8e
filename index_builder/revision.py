"""The content of a new version of a map: segments that it shares with other versions, and segments to make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from index_builder.digests import digest_of
from index_builder.sources.listing import SourceListing
from model.places import Place
from model.preprocess import Preprocessing
from place_map.codebook_entry import CodebookEntry
from place_map.left_out import LeftOut
from place_map.manifest import Change, ChangeKind, FeatureShapes, Manifest, NetworkIdentity, SourceHint
from place_map.place_file import PlaceRecord
from place_map.segment import Segment


@dataclass(frozen=True, slots=True)
class CopiedRow:
    """Describe a picture whose features are in the map already.

    Attributes:
        segment: Id of the segment that has the features.
        row: The row of the features in the segment's files.
        record: The new row of the table.
    """

    segment: str
    row: int
    record: PlaceRecord


@dataclass(frozen=True)
class NewSegment:
    """Describe a segment to make, from pictures to encode or from features to copy.

    Attributes:
        source: The number of the source of its pictures.
        places: Pictures to encode.
        copies: Pictures to copy; a segment has either.
    """

    source: int
    places: tuple[Place, ...] = ()
    copies: tuple[CopiedRow, ...] = ()


@dataclass(frozen=True)
class MapSettings:
    """Hold the settings of a map for encoding and storing. A build chooses them, and all versions share them.

    Attributes:
        network: The network that makes the features.
        preprocessing: The way of resizing pictures.
        features: Widths and types of the stored features.
        thumbnails: Whether small JPEGs are kept.
        index: The requested shortlist index: a string of faiss's ``index_factory``, or ``auto``.
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
    """Describe a build or a change of a map. A build revises an empty map.

    Attributes:
        kind: The command.
        request_sha256: Digest of the request, which identifies it in the new version.
        base: The version that is changed; None for a build.
        settings: The settings of the map.
        sources: The sources of the new version.
        segments: The segments of the new version, in the order of its rows.
        gone: Ids that the new version no longer has.
        replaced: Ids that it has, with another content or position.
        left_out: Source → pictures that stay left out.
        listings: Source → the collection, if it was read again; its pictures are encoded or left out.
        calibration: The bytes of a new calibration file; None to keep the base's calibration.
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

    def with_codebook(self, codebook: CodebookEntry) -> Self:
        """Return the revision with a learned codebook among the settings of the map."""
        features = self.settings.features.model_copy(update={"local_codebook": codebook})
        return replace(self, settings=replace(self.settings, features=features))

    @property
    def new_segments(self) -> list[NewSegment]:
        """Return the segments to make."""
        return [segment for segment in self.segments if isinstance(segment, NewSegment)]

    @property
    def most_pictures(self) -> int:
        """Return the number of pictures in the new version if none is rejected."""
        return sum(
            len(segment.places) + len(segment.copies) if isinstance(segment, NewSegment) else segment.live_rows
            for segment in self.segments
        )

    def change(self, ids_made: Callable[[], frozenset[str]]) -> Change:
        """Return the change that made the version.

        Args:
            ids_made: The function that reads the ids of the pictures of the new segments.
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
        """Return the SHA-256 over the segments of the new version and the pictures of its new segments."""
        return digest_of(line for segment in self.segments for line in _lines_of(segment))


def _lines_of(segment: Segment | NewSegment) -> list[str]:
    if isinstance(segment, Segment):
        return [segment.model_dump_json()]
    return [
        f"new, of source {segment.source}",
        *(repr(replace(place, path=place.path.absolute())) for place in segment.places),
        *(repr(copied) for copied in segment.copies),
    ]
