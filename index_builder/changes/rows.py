"""The pictures of a version, each with the place of its features, and segments without some pictures."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index_builder.revision import CopiedRow, NewSegment
from model.places import Place
from place_map.place_file import PlaceRecord
from place_map.reader import PlaceMap
from place_map.segment import Segment


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """Describe a picture of a version.

    Attributes:
        source: The number of its source in the manifest.
        segment: Id of the segment that has its features.
        row: The row of its features in the segment.
        record: The record of the picture in the table.
    """

    source: int
    segment: str
    row: int
    record: PlaceRecord

    def copied(self, record: PlaceRecord | None = None) -> CopiedRow:
        """Return the row to copy to a new segment, with a new record for the table or the same."""
        return CopiedRow(self.segment, self.row, self.record if record is None else record)


def stored_pictures(place_map: PlaceMap, rows: NDArray[np.int64] | None = None) -> Iterator[StoredPicture]:
    """Yield pictures of a version.

    Args:
        place_map: The version.
        rows: Rows of the map ``(k,)``, ascending; None for all.
    """
    live = [(segment, segment.live()) for segment in place_map.manifest.segments]
    ends = np.cumsum([len(each) for _, each in live])
    for row in range(len(place_map)) if rows is None else rows.tolist():
        number = int(np.searchsorted(ends, row, side="right"))
        segment, of_segment = live[number]
        of_row = int(of_segment[row - (int(ends[number - 1]) if number else 0)])
        yield StoredPicture(segment.source, segment.id, of_row, place_map.places[row])


def without(segments: Collection[Segment], dead: Collection[StoredPicture]) -> tuple[Segment, ...]:
    """Return segments with more dead rows, without the segments that have only dead rows."""
    by_segment: dict[str, set[int]] = {}
    for picture in dead:
        by_segment.setdefault(picture.segment, set()).add(picture.row)
    changed = []
    for segment in segments:
        rows = sorted({*segment.dead_rows, *by_segment.get(segment.id, ())})
        if len(rows) < segment.rows:
            changed.append(
                segment.model_copy(update={"dead_rows": tuple(rows)}) if segment.id in by_segment else segment
            )
    return tuple(changed)


def copied_segments(source: int, copies: Sequence[CopiedRow], size: int) -> list[NewSegment]:
    """Return new segments of copied rows, at most ``size`` in each."""
    return [NewSegment(source, copies=tuple(copies[start : start + size])) for start in range(0, len(copies), size)]


def encoded_segments(source: int, places: Sequence[Place], size: int) -> list[NewSegment]:
    """Return new segments of pictures to encode, at most ``size`` in each."""
    return [NewSegment(source, places=tuple(places[start : start + size])) for start in range(0, len(places), size)]
