"""Segments from pictures: decode, encode, write; those that an earlier run has finished are taken over."""

import shutil
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass

from index_builder.encoding import PictureBatch, encode_batches
from index_builder.left_out import LeftOutTally
from index_builder.picture_files import file_stamp
from index_builder.segment_recorder import SegmentRecorder
from index_builder.sources.listing import SourceListing
from index_builder.staging import Checkpoint, Staging
from model.encoder import Encoder
from model.errors import StorageError
from model.images import ImageLimits
from model.places import Place
from model.progress import Progress
from place_map.local_codec import StoreType, global_type
from place_map.manifest import FeatureShapes

_WRITES_BEHIND = 2  # batches that may wait for the disk
_BYTES_BESIDE_FEATURES = 24_000  # a thumbnail and a row of the table, with room to spare


@dataclass(frozen=True)
class BuiltSegments:
    """What became of the pictures.

    Attributes:
        checkpoints: Number of a segment → the finished segment.
        encoded: Pictures that went through the network in this run.
    """

    checkpoints: Mapping[int, Checkpoint]
    encoded: int


class SegmentBuilder:
    """Makes the segments of a build or a change; an interrupted one is continued behind the last finished segment.

    Args:
        listing: What the pictures come from.
        encoder: The network; used by the calling thread only.
        staging: Where segments are written.
        batch_size: Pictures in one forward pass.
        thumbnails: Whether small JPEGs are kept.
        store: What local features are stored as.
        limits: What a picture may be like; others are rejected.
        tally: Takes what is left out.
        progress: Told about every batch.
    """

    def __init__(
        self,
        listing: SourceListing,
        encoder: Encoder,
        staging: Staging,
        *,
        batch_size: int,
        thumbnails: bool,
        store: StoreType,
        limits: ImageLimits,
        tally: LeftOutTally,
        progress: Progress,
    ) -> None:
        self._listing = listing
        self._encoder = encoder
        self._staging = staging
        self._batch_size = batch_size
        self._thumbnails = thumbnails
        self._store: StoreType = store
        self._limits = limits
        self._shapes = feature_shapes(encoder, store)
        self._tally = tally
        self._progress = progress
        self._checkpoints: dict[int, Checkpoint] = {}

    def build(self, segments: Mapping[int, tuple[Place, ...]], index_rows: int) -> BuiltSegments:
        """Makes what is missing.

        Args:
            segments: Number → pictures.
            index_rows: How many vectors the index will have; for the room on the disk.

        Raises:
            StorageError: The disk is too small.
            TooManyRejected: More pictures cannot be read than was allowed.
            OSError: The disk does not take what is written.
        """
        missing = self._find_missing(segments)
        to_encode = sum(len(places) for places in missing.values())
        total = sum(len(places) for places in segments.values())
        if to_encode < total:
            self._progress.message(f"continuing where it was interrupted: {total - to_encode:,} pictures are done")
        self._check_space(to_encode, index_rows)
        self._progress.started(total, total - to_encode)
        self._encode(missing)
        return BuiltSegments(self._checkpoints, to_encode)

    def _find_missing(self, segments: Mapping[int, tuple[Place, ...]]) -> dict[int, tuple[Place, ...]]:
        """The segments that have to be encoded: number → pictures. The others are taken over."""
        missing = {}
        for number, places in segments.items():
            checkpoint = self._staging.find_checkpoint(number, (file_stamp(place.path) for place in places))
            if checkpoint is None:
                missing[number] = places
            else:
                self._checkpoints[number] = checkpoint
                self._tally.add(checkpoint.left_out)
        return missing

    def _encode(self, missing: Mapping[int, tuple[Place, ...]]) -> None:
        """Encodes and records segments; recording is done by a thread of its own, a few batches behind."""
        recordings: deque[tuple[int, Future[Checkpoint | None]]] = deque()

        def settle() -> None:
            number, recording = recordings.popleft()
            checkpoint = recording.result()
            if checkpoint is not None:
                self._checkpoints[number] = checkpoint

        batches = encode_batches(
            self._batches(missing),
            self._encoder,
            thumbnails=self._thumbnails,
            store=self._store,
            limits=self._limits,
        )
        with (
            SegmentRecorder(self._listing, self._staging, self._shapes) as recorder,
            _one_thread("record") as thread,
            closing(batches),
        ):
            for encoded in batches:
                self._tally.add(recorder.left_out(encoded))
                recordings.append((encoded.batch.segment, thread.submit(recorder.record, encoded)))
                while len(recordings) > _WRITES_BEHIND:
                    settle()
                self._progress.advanced(len(encoded.batch.places))
            while recordings:
                settle()

    def _batches(self, missing: Mapping[int, tuple[Place, ...]]) -> Iterator[PictureBatch]:
        size = self._batch_size
        for number, places in missing.items():
            for start in range(0, len(places), size):
                yield PictureBatch(number, places[start : start + size], is_last=start + size >= len(places))

    def _check_space(self, to_encode: int, index_rows: int) -> None:
        """Before hours of work: whether the map can fit at all."""
        needed = to_encode * (self._shapes.bytes_per_picture + _BYTES_BESIDE_FEATURES)
        check_space(self._staging, needed + 4 * self._shapes.global_dim * index_rows)


def check_space(staging: Staging, needed_bytes: int) -> None:
    """Looks whether the disk has room.

    Raises:
        StorageError: It has not.
    """
    free = shutil.disk_usage(staging.path).free
    if needed_bytes > free:
        raise StorageError(
            f"the map needs about {needed_bytes / 1e6:,.1f} MB more, but {staging.path.parent} has "
            f"{free / 1e6:,.1f} MB free; make room, or build on another disk"
        )


def feature_shapes(encoder: Encoder, store: StoreType) -> FeatureShapes:
    """The features of a network, as a map stores them."""
    return FeatureShapes(
        global_dim=encoder.global_dim,
        local_grid=encoder.local_grid,
        local_dim=encoder.local_dim,
        dtype=global_type(store),
        local_store=store,
    )


@contextmanager
def _one_thread(name: str) -> Iterator[ThreadPoolExecutor]:
    """A thread that takes work in order; when the block fails, what it has not begun is dropped."""
    executor = ThreadPoolExecutor(1, thread_name_prefix=name)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
