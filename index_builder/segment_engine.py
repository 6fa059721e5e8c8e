"""Encode the segments of a build or a change: in this process, or by workers elsewhere.

An engine writes each segment into a directory of its own, an attempt. The caller alone moves a finished attempt to its
place (``index_builder.staging``), so an attempt that failed, or that comes back late, cannot harm.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from index_builder.encoding import PictureBatch, encode_batches
from index_builder.segment_recorder import SegmentRecorder
from index_builder.staging import FinishedSegment, Staging
from model.encoder import Encoder
from model.images import ImageLimits
from model.places import Place
from model.progress import Progress
from place_map.left_out import LeftOut
from place_map.manifest import FeatureShapes

_WRITES_BEHIND = 2  # batches that may wait for the disk


@dataclass(frozen=True)
class EncodingOptions:
    """Hold all values that decide the bytes of segments, beside their pictures and the network.

    Attributes:
        batch_size: Pictures in one forward pass.
        shapes: The shapes of the features.
        thumbnails: Whether thumbnails are made.
        limits: The limits on pictures; pictures outside them are rejected.
    """

    batch_size: int
    shapes: FeatureShapes
    thumbnails: bool
    limits: ImageLimits


@dataclass(frozen=True)
class SegmentTask:
    """Describe a segment to encode.

    Attributes:
        number: The number of the segment, from 1.
        places: Its pictures.
        base: The folder at which the paths of their source start.
    """

    number: int
    places: tuple[Place, ...]
    base: Path


@dataclass(frozen=True)
class SegmentAttempt:
    """Describe one attempt at a segment.

    Attributes:
        task: The segment.
        directory: An empty directory for this attempt alone.
    """

    task: SegmentTask
    directory: Path


@dataclass(frozen=True)
class SegmentPart:
    """Report a step of the work on a segment.

    Attributes:
        number: The number of the segment.
        pictures: The pictures that were encoded in this step; negative if an attempt was lost.
        left_out: Pictures that were rejected. Each is reported once, however many attempts there are.
        finished: The finished segment, in the last report of a segment.
        directory: The directory of the finished segment.
    """

    number: int
    pictures: int = 0
    left_out: tuple[LeftOut, ...] = ()
    finished: FinishedSegment | None = None
    directory: Path | None = None


class SegmentEngine(Protocol):
    """Encode segments, each in an attempt of its own."""

    def encode(
        self, tasks: Sequence[SegmentTask], options: EncodingOptions, staging: Staging, progress: Progress
    ) -> Generator[SegmentPart, None, None]:
        """Encode segments; yield each step of the work, and each segment once as finished, in any order.

        Close the generator (``contextlib.closing``) if it is not read to its end; this stops the work.

        Args:
            tasks: The segments.
            options: All else that decides their bytes.
            staging: The staging directory, which gives attempts their directories.
            progress: The display, for messages; the reader of the steps counts the pictures.

        Raises:
            OSError: A file cannot be written.
        """


class LocalEngine:
    """Encode segments in this process, one after the other.

    Args:
        encoder: The network, which nobody else uses meanwhile.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def encode(
        self,
        tasks: Sequence[SegmentTask],
        options: EncodingOptions,
        staging: Staging,
        progress: Progress,  # noqa: ARG002  (there is nothing to tell)
    ) -> Generator[SegmentPart, None, None]:
        """Encode segments; see ``SegmentEngine``."""
        attempts = (SegmentAttempt(task, staging.begin_attempt(task.number)) for task in tasks)
        with closing(encode_attempts(attempts, self._encoder, options)) as parts:
            yield from parts


def encode_attempts(
    attempts: Iterable[SegmentAttempt],
    encoder: Encoder,
    options: EncodingOptions,
    threads: int | None = None,
) -> Generator[SegmentPart, None, None]:
    """Decode, encode and write segments: pictures ahead of the network, files behind it in another thread.

    Args:
        attempts: The segments, with their directories; they are read as the work proceeds.
        encoder: The network; see ``encode_batches``.
        options: All else that decides their bytes.
        threads: The number of threads; see ``encode_batches``.

    Raises:
        OSError: A file cannot be written.
    """
    begun: dict[int, SegmentAttempt] = {}
    recordings: deque[tuple[int, Future[FinishedSegment | None]]] = deque()

    def batches() -> Iterator[PictureBatch]:
        for attempt in attempts:
            begun[attempt.task.number] = attempt
            yield from _batches(attempt.task, options.batch_size)

    def settle() -> SegmentPart | None:
        number, recording = recordings.popleft()
        finished = recording.result()
        if finished is None:
            return None
        return SegmentPart(number, finished=finished, directory=begun.pop(number).directory)

    encoded_batches = encode_batches(
        batches(),
        encoder,
        thumbnails=options.thumbnails,
        codec=options.shapes.local_codec,
        limits=options.limits,
        threads=threads,
    )
    with (
        SegmentRecorder(options.shapes) as recorder,
        _one_thread("record") as thread,
        closing(encoded_batches),
    ):
        for encoded in encoded_batches:
            number = encoded.batch.segment
            attempt = begun[number]
            left_out = recorder.left_out(encoded, attempt.task.base)
            recordings.append((number, thread.submit(recorder.record, encoded, attempt.task.base, attempt.directory)))
            while len(recordings) > _WRITES_BEHIND:
                if (part := settle()) is not None:
                    yield part
            yield SegmentPart(number, len(encoded.batch.places), tuple(left_out))
        while recordings:
            if (part := settle()) is not None:
                yield part


def _batches(task: SegmentTask, size: int) -> Iterator[PictureBatch]:
    for start in range(0, len(task.places), size):
        is_last = start + size >= len(task.places)
        yield PictureBatch(task.number, task.places[start : start + size], is_last=is_last)


@contextmanager
def _one_thread(name: str) -> Iterator[ThreadPoolExecutor]:
    """Start a thread that works in order; when the block ends, drop tasks that have not begun."""
    executor = ThreadPoolExecutor(1, thread_name_prefix=name)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
