"""What a new version of a map shall consist of: segments that it shares with others, and segments to be made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from index_builder.build_plan import digest_of
from index_builder.sources.listing import SourceListing
from model.places import Place
from place_map.left_out import LeftOut
from place_map.manifest import Change, ChangeKind, Manifest, SourceHint
from place_map.place_table import PlaceRecord
from place_map.segment import Segment


@dataclass(frozen=True, slots=True)
class CopiedRow:
    """A picture whose features are there already.

    Attributes:
        segment: Id of the segment that has them.
        row: Row of its files.
        record: What the table is to say of it.
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
class Revision:
    """A change of a map, worked out.

    Attributes:
        kind: The command.
        base: The version that is changed.
        sources: Of the new version.
        segments: Of the new version, in the order of its rows.
        gone: Ids that the new version has no more.
        replaced: Ids that it has, of which content or position is another.
        left_out: Of each source, what stays left out.
        listing: What the pictures to encode come from, and what of it is left out.
        listed: Which of the sources that is.
        found: Pictures in it, those included that need not be encoded.
    """

    kind: ChangeKind
    base: Manifest
    sources: tuple[SourceHint, ...]
    segments: tuple[Segment | NewSegment, ...]
    gone: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    left_out: Mapping[int, tuple[LeftOut, ...]] = field(default_factory=dict)
    listing: SourceListing | None = None
    listed: int = 0
    found: int = 0

    @property
    def new_segments(self) -> list[NewSegment]:
        """Those that have to be made."""
        return [segment for segment in self.segments if isinstance(segment, NewSegment)]

    @property
    def changes_nothing(self) -> bool:
        """Whether the new version would be the old one."""
        return self.segments == self.base.segments and self.sources == self.base.sources

    def change(self, made: frozenset[str]) -> Change:
        """How the version came to be, given the ids of the pictures of the segments that were made."""
        if self.kind == "compact":
            return Change(kind=self.kind)
        return Change(
            kind=self.kind,
            added=len(made - self.replaced),
            removed=len(self.gone) + len(self.replaced - made),
            replaced=len(made & self.replaced),
        )

    def digest(self) -> str:
        """SHA-256 over everything that decides what the new version consists of."""
        return digest_of(line for segment in self.segments for line in _lines_of(segment))


def _lines_of(segment: Segment | NewSegment) -> list[str]:
    if isinstance(segment, Segment):
        return [segment.model_dump_json()]
    return [
        f"new, of source {segment.source}",
        *(repr(replace(place, path=place.path.absolute())) for place in segment.places),
        *(repr(copied) for copied in segment.copies),
    ]
