"""The making of segments from stored features: nothing is encoded again, and no byte of a feature changes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from index_builder.digests import digest_of
from index_builder.revision import CopiedRow, NewSegment
from index_builder.staging import FinishedSegment, Staging, is_whole
from model.progress import Progress
from place_map import layout
from place_map.errors import MapCorrupt
from place_map.feature_store import StoredArray, StoredFeatures, map_features
from place_map.local_codec import LocalCodec
from place_map.manifest import FeatureShapes, Manifest
from place_map.place_file import read_places
from place_map.row_file import RowFile
from place_map.segment import Segment
from place_map.segment_writer import SegmentWriter
from place_map.stored_thumbnails import StoredThumbnails

_ROWS_AT_A_TIME = 32  # 15 MB of int8


def copy_segments(
    staging: Staging, base: Manifest, segments: Mapping[int, NewSegment], progress: Progress
) -> dict[str, Segment]:
    """Make segments from rows of other segments.

    The sums of the source files are compared first; otherwise a copy of damaged bytes would get a valid sum.

    Args:
        staging: The staging directory, which also finds the segments to copy from.
        base: The version that has the segments to copy from.
        segments: Number → rows; finished segments are kept.
        progress: The display of the progress, by pictures.

    Returns:
        The segments by id.

    Raises:
        MapCorrupt: A file to copy from is damaged.
        OSError: A file cannot be written.
    """
    made: dict[str, Segment] = {}
    missing: dict[int, NewSegment] = {}
    for number, segment in segments.items():
        finished = staging.find_finished(number, _stamps(segment, base))
        if finished is None or finished.segment is None:
            missing[number] = segment
        else:
            made[finished.segment.id] = finished.segment
    if not segments:
        return made
    total = sum(len(segment.copies) for segment in segments.values())
    progress.started(total, total - sum(len(segment.copies) for segment in missing.values()))
    by_id = {segment.id: segment for segment in base.segments}
    for name in sorted({copied.segment for segment in missing.values() for copied in segment.copies}):
        if not is_whole(staging.segment_dir(name), by_id[name]):
            raise MapCorrupt(
                f"{staging.segment_dir(name)} has changed since it was written, and is not copied from; run placefix "
                "verify on the map. Nothing was published"
            )
    for number, segment in missing.items():
        made_one = _copy(staging, base, by_id, number, segment, progress)
        made[made_one.id] = made_one
    return made


def _copy(
    staging: Staging,
    base: Manifest,
    by_id: Mapping[str, Segment],
    number: int,
    segment: NewSegment,
    progress: Progress,
) -> Segment:
    attempt = staging.begin_attempt(number)
    writer = SegmentWriter(attempt, base.features)
    readers: dict[str, _RawRows] = {}
    try:
        rows = iter(segment.copies)
        while batch := list(islice(rows, _ROWS_AT_A_TIME)):
            for copied in batch:
                if copied.segment not in readers:
                    readers[copied.segment] = _RawRows(staging, by_id[copied.segment], base.features)
            writer.append(
                [copied.record for copied in batch],
                [_thumbnail(readers[copied.segment], copied) for copied in batch],
                *_gathered([(readers[copied.segment], copied.row) for copied in batch]),
            )
            progress.advanced(len(batch))
        made = writer.finish(layout.segment_id_of(number))
    finally:
        writer.close()
    assert made is not None  # noqa: S101  (a segment of copies has pictures)
    finished = FinishedSegment(segment=made, left_out=(), stamps_sha256=digest_of(_stamps(segment, base)))
    staging.finish_segment(number, finished, attempt)
    return made


class _RawRows:
    """Read the rows of a segment as they are stored.

    Attributes:
        thumbnails: Their thumbnails.
    """

    def __init__(self, staging: Staging, segment: Segment, shapes: FeatureShapes) -> None:
        directory = staging.segment_dir(segment.id)
        codec: LocalCodec = shapes.local_codec
        self._global_features = map_features(
            directory / layout.GLOBALS, (segment.rows, shapes.global_dim), shapes.dtype
        )
        self._shape = codec.row_shape(shapes.local_count)
        self._array_type = codec.array_type
        self._local_features = RowFile(directory / layout.LOCALS, (segment.rows, *self._shape), codec.array_type)
        table = read_places(directory / layout.PLACES, segment.rows)
        self.thumbnails = StoredThumbnails(directory, segment, table)

    def read(self, row: int, global_feature: StoredFeatures, local_features: StoredArray) -> None:
        """Copy a row into two arrays."""
        global_feature[:] = self._global_features[row]
        self._local_features.read(row, local_features)

    def room_for(self, count: int) -> tuple[StoredFeatures, StoredArray]:
        """Return empty arrays for the features of ``count`` rows."""
        global_features: StoredFeatures = np.empty(
            (count, *self._global_features.shape[1:]), self._global_features.dtype
        )
        local_features: StoredArray = np.empty((count, *self._shape), self._array_type)
        return global_features, local_features


def _gathered(rows: Sequence[tuple[_RawRows, int]]) -> tuple[StoredFeatures, StoredArray]:
    """Return the features of rows as they are stored: ``(b, D)`` and ``(b, *row_shape)``."""
    global_features, local_features = rows[0][0].room_for(len(rows))
    for place, (reader, row) in enumerate(rows):
        reader.read(row, global_features[place], local_features[place])
    return global_features, local_features


def _thumbnail(reader: _RawRows, copied: CopiedRow) -> bytes | None:
    return None if copied.record.thumbnail is None else reader.thumbnails.read(copied.row)


def _stamps(segment: NewSegment, base: Manifest) -> Iterator[str]:
    """Return the state on which a copied segment depends: the sums of its source files, and the new records."""
    sums = {each.id: each.files[layout.LOCALS].sha256 for each in base.segments}
    return (f"{sums[copied.segment]} {copied!r}" for copied in segment.copies)
