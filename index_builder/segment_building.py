"""The making of segments from pictures by an engine. Segments that an earlier run has finished are kept."""

import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from index_builder.left_out import LeftOutTally
from index_builder.picture_files import file_stamp, source_base
from index_builder.revision import NewSegment, Revision
from index_builder.segment_engine import EncodingOptions, SegmentEngine, SegmentTask
from index_builder.staging import FinishedSegment, Staging
from model.errors import StorageError
from model.images import ImageLimits
from model.progress import Progress

_BYTES_BESIDE_FEATURES = 24_000  # a thumbnail and a row of the table, with room to spare


@dataclass(frozen=True)
class BuiltSegments:
    """Hold the results of building segments.

    Attributes:
        finished: Number of a segment → the finished segment.
        encoded: Pictures that went through the network in this run.
    """

    finished: Mapping[int, FinishedSegment]
    encoded: int


class SegmentBuilder:
    """Make the segments of a build or a change, and continue an interrupted run behind the last finished segment.

    Args:
        revision: The content of the new version.
        engine: Encodes the segments.
        staging: The staging directory for the segments.
        batch_size: Pictures in one forward pass.
        limits: The limits on pictures; pictures outside them are rejected.
        tally: The tally of pictures that are left out.
        progress: The display of the progress, by batches.
    """

    def __init__(
        self,
        revision: Revision,
        engine: SegmentEngine,
        staging: Staging,
        *,
        batch_size: int,
        limits: ImageLimits,
        tally: LeftOutTally,
        progress: Progress,
    ) -> None:
        self._bases = {source: source_base(listing.root) for source, listing in revision.listings.items()}
        self._engine = engine
        self._staging = staging
        self._shapes = revision.settings.features
        self._options = EncodingOptions(batch_size, self._shapes, revision.settings.thumbnails, limits)
        self._tally = tally
        self._progress = progress
        self._finished: dict[int, FinishedSegment] = {}

    def build(self, segments: Mapping[int, NewSegment], index_rows: int) -> BuiltSegments:
        """Make the missing segments.

        Args:
            segments: Number → pictures.
            index_rows: The number of vectors in the index, to estimate the space on the disk.

        Raises:
            StorageError: The disk is too small.
            TooManyRejected: More pictures cannot be read than is allowed.
            OSError: A file cannot be written.
        """
        missing = self._find_missing(segments)
        to_encode = sum(len(segment.places) for segment in missing.values())
        total = sum(len(segment.places) for segment in segments.values())
        if to_encode < total:
            self._progress.message(f"continuing where it was interrupted: {total - to_encode:,} pictures are done")
        self._check_space(to_encode, index_rows)
        self._progress.started(total, total - to_encode)
        self._encode(missing)
        return BuiltSegments(self._finished, to_encode)

    def _find_missing(self, segments: Mapping[int, NewSegment]) -> dict[int, NewSegment]:
        """Return the segments to encode: number → pictures. The others are kept."""
        missing = {}
        for number, segment in segments.items():
            finished = self._staging.find_finished(number, (file_stamp(place.path) for place in segment.places))
            if finished is None:
                missing[number] = segment
            else:
                self._finished[number] = finished
                self._tally.add(segment.source, finished.left_out)
        return missing

    def _encode(self, missing: Mapping[int, NewSegment]) -> None:
        """Encode segments, and move each to its place when it is finished."""
        tasks = [
            SegmentTask(number, segment.places, self._bases[segment.source]) for number, segment in missing.items()
        ]
        with closing(self._engine.encode(tasks, self._options, self._staging, self._progress)) as parts:
            for part in parts:
                self._tally.add(missing[part.number].source, part.left_out)
                if part.pictures:
                    self._progress.advanced(part.pictures)
                if part.finished is not None and part.directory is not None:
                    self._staging.finish_segment(part.number, part.finished, part.directory)
                    self._finished[part.number] = part.finished
        self._staging.discard_attempts()

    def _check_space(self, to_encode: int, index_rows: int) -> None:
        """Check before hours of work that the map fits on the disk."""
        needed = to_encode * (self._shapes.bytes_per_picture + _BYTES_BESIDE_FEATURES)
        check_space(self._staging, needed + 4 * self._shapes.global_dim * index_rows)


def check_space(staging: Staging, needed_bytes: int) -> None:
    """Check that the disk has room for more bytes.

    Raises:
        StorageError: The disk is too full.
    """
    free = shutil.disk_usage(staging.path).free
    if needed_bytes > free:
        raise StorageError(
            f"the map needs about {needed_bytes / 1e6:,.1f} MB more, but {staging.path.parent} has "
            f"{free / 1e6:,.1f} MB free; make room, or build on another disk"
        )
