"""From a collection to a map: decode, encode, write, publish; continued where an earlier run was interrupted."""

import shutil
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from index_builder.build_plan import BuildPlan
from index_builder.encoding import PictureBatch, encode_batches
from index_builder.left_out import LeftOutTally
from index_builder.picture_files import file_stamp
from index_builder.place_map import layout
from index_builder.place_map.global_index import check_index_factory
from index_builder.place_map.index_choice import AUTO, choose_index
from index_builder.place_map.local_codec import StoreType, global_type
from index_builder.place_map.manifest import Counts, FeatureShapes, Manifest, NetworkIdentity, SourceHint
from index_builder.place_map.reader import PlaceMap, read_manifest
from index_builder.place_map.version_writer import VersionContent, write_version
from index_builder.progress import SILENT, Progress
from index_builder.segment_recorder import SegmentRecorder
from index_builder.sources.listing import SourceListing
from index_builder.staging import Checkpoint, Staging, open_staging
from index_builder.target import check_target
from model.encoder import Encoder
from model.errors import InvalidInput, StorageError
from model.places import Place

_SMALLEST_SEGMENT = 256
_MOST_SEGMENTS = 256  # a reader holds two open files for each
_WRITES_BEHIND = 2  # batches that may wait for the disk
_BYTES_BESIDE_FEATURES = 24_000  # a thumbnail and a row of the table, with room to spare


@dataclass(frozen=True)
class BuildOptions:
    """How a map is built.

    Attributes:
        batch_size: Pictures in one forward pass.
        segment_size: Pictures of the source in one segment, which is what an interrupted build loses at most; None
            chooses 256, and more for collections of more than 65,536 pictures, so that there are at most 256 segments.
        max_rejected: Share of all pictures found that may be unreadable.
        thumbnails: Whether small JPEGs are kept for evidence.
        index: A string of faiss's ``index_factory``, or ``auto``, which chooses by the size of the collection.
        store: What local features are stored as. With float32 the global ones are exact, too: for evaluations.

    Raises:
        InvalidInput: A value is out of range.
    """

    batch_size: int = 16
    segment_size: int | None = None
    max_rejected: float = 0.05
    thumbnails: bool = True
    index: str = "Flat"
    store: StoreType = "int8"

    def __post_init__(self) -> None:
        if self.batch_size < 1 or (self.segment_size is not None and self.segment_size < 1):
            raise InvalidInput("batch size and segment size must be at least 1")
        if not 0 <= self.max_rejected <= 1:
            raise InvalidInput(f"the share of pictures that may be rejected is {self.max_rejected}, not in [0, 1]")

    def segment_size_for(self, pictures: int) -> int:
        """The segment size for a collection."""
        if self.segment_size is not None:
            return self.segment_size
        size = _SMALLEST_SEGMENT
        while size * _MOST_SEGMENTS < pictures:
            size *= 2
        return size


@dataclass(frozen=True)
class BuildReport:
    """What a build has done.

    Attributes:
        map_path: The published map.
        version: Its version.
        placed: Pictures in the map.
        skipped: Pictures without a usable position.
        rejected: Pictures that cannot be read.
        encoded: Pictures that went through the network in this run; the others came from an interrupted one.
        index: Its shortlist index, as faiss's ``index_factory`` knows it.
        total_bytes: Size of the map.
        left_out_path: The list of skipped and rejected pictures.
        duration_s: Of this run.
    """

    map_path: Path
    version: str
    placed: int
    skipped: int
    rejected: int
    encoded: int
    index: str
    total_bytes: int
    left_out_path: Path
    duration_s: float


def build_map(
    listing: SourceListing,
    encoder: Encoder,
    out: Path,
    options: BuildOptions | None = None,
    progress: Progress = SILENT,
    *,
    weights_path: Path | None = None,
    restart: bool = False,
) -> BuildReport:
    """Builds a map and publishes it, or leaves nothing at its place.

    Killed or interrupted, the same call continues behind the last finished segment. The same pictures, network and
    options give the same bytes in every data file, on the same machine with the same versions and number of threads.

    Memory: a few batches, whatever the number of pictures; the listing itself; and at the end the vectors of the index.

    Args:
        listing: What to build from.
        encoder: The network; used by the calling thread only.
        out: The directory that the map becomes: ``maps/NAME``.
        options: How.
        progress: Told about every batch.
        weights_path: Where the network came from; noted in the map as a hint.
        restart: Throw away what an interrupted run has done.

    Raises:
        InvalidInput: A path or an option that cannot be used.
        MapExists: There is something at ``out``.
        MapBusy: Another process builds the same map.
        BuildConflict: An unfinished build of something else is in the way.
        StorageError: The disk is too small, full, or does not take what is written. The build can be continued.
        TooManyRejected: More pictures cannot be read than was allowed.
        NothingUsable: Not one picture could be placed.
    """
    options = options or BuildOptions()
    started_s = time.perf_counter()
    check_target(out)
    if options.index == AUTO:
        choice = choose_index(len(listing.places), encoder.global_dim)
        progress.message(f"index: {choice.factory} (auto: {choice.reason})")
        options = replace(options, index=choice.factory)
    check_index_factory(options.index, encoder.global_dim, len(listing.places))
    try:
        with open_staging(out, _plan_of(listing, encoder, options), restart=restart) as staging:
            if staging is None:
                manifest, encoded = read_manifest(out), 0
            else:
                manifest, encoded = _Build(listing, encoder, options, progress, staging).run(out, weights_path)
    except OSError as error:
        raise StorageError(
            f"the map cannot be written: {error.strerror} ({error.filename or out.parent}); nothing was published. "
            "When this is mended, give the same command again: it continues behind the last finished segment"
        ) from error
    return BuildReport(
        map_path=out,
        version=manifest.version,
        placed=manifest.counts.placed,
        skipped=manifest.counts.skipped,
        rejected=manifest.counts.rejected,
        encoded=encoded,
        index=manifest.index.factory,
        total_bytes=manifest.total_bytes,
        left_out_path=layout.version_dir(out, manifest.version) / layout.LEFT_OUT,
        duration_s=time.perf_counter() - started_s,
    )


class _Build:
    """One run over one staging directory."""

    def __init__(
        self, listing: SourceListing, encoder: Encoder, options: BuildOptions, progress: Progress, staging: Staging
    ) -> None:
        self._listing = listing
        self._encoder = encoder
        self._options = options
        self._progress = progress
        self._staging = staging
        self._shapes = _feature_shapes(encoder, options.store)
        self._size = options.segment_size_for(len(listing.places))
        self._checkpoints: dict[int, Checkpoint] = {}
        self._tally = LeftOutTally(listing, options.max_rejected, staging.left_out_path)

    def run(self, out: Path, weights_path: Path | None) -> tuple[Manifest, int]:
        """Encodes what is missing, and publishes; the manifest, and how many pictures were encoded."""
        missing = self._find_missing()
        to_encode = sum(len(places) for places in missing.values())
        total = len(self._listing.places)
        if to_encode < total:
            self._progress.message(f"continuing an interrupted build: {total - to_encode:,} pictures are done")
        self._check_space(to_encode)
        self._progress.started(total, total - to_encode)
        self._encode(missing)
        segments = tuple(
            checkpoint.segment for _, checkpoint in sorted(self._checkpoints.items()) if checkpoint.segment
        )
        placed = sum(segment.rows for segment in segments)
        self._tally.check_usable(placed)
        self._progress.message(f"writing the index of {placed:,} pictures")
        manifest = write_version(
            self._staging.map_path,
            VersionContent(
                version=layout.FIRST_NUMBER,
                source=SourceHint(kind=self._listing.kind, path=str(self._listing.root.resolve())),
                network=NetworkIdentity(
                    fingerprint=self._encoder.fingerprint,
                    is_trained=self._encoder.is_trained,
                    config=self._encoder.config.to_dict(),
                    weights_path=None if weights_path is None else str(weights_path.resolve()),
                    precision=self._encoder.precision,
                ),
                preprocessing=self._encoder.preprocessing,
                features=self._shapes,
                counts=Counts(placed=placed, skipped=self._tally.skipped, rejected=self._tally.rejected),
                segments=segments,
                index_factory=self._options.index,
                left_out_csv=self._tally.to_csv(),
            ),
        )
        PlaceMap.open(self._staging.map_path).close()  # what no reader could open is not published
        self._staging.publish(out)
        return manifest, to_encode

    def _find_missing(self) -> dict[int, tuple[Place, ...]]:
        """The segments that have to be encoded: number → pictures. The others are taken over."""
        places, missing = self._listing.places, {}
        for number, start in enumerate(range(0, len(places), self._size), start=1):
            of_segment = places[start : start + self._size]
            checkpoint = self._staging.find_checkpoint(number, (file_stamp(place.path) for place in of_segment))
            if checkpoint is None:
                missing[number] = of_segment
            else:
                self._checkpoints[number] = checkpoint
                self._tally.add(checkpoint.left_out)
        return missing

    def _encode(self, missing: dict[int, tuple[Place, ...]]) -> None:
        """Encodes and records segments; recording is done by a thread of its own, a few batches behind."""
        recordings: deque[tuple[int, Future[Checkpoint | None]]] = deque()

        def settle() -> None:
            number, recording = recordings.popleft()
            checkpoint = recording.result()
            if checkpoint is not None:
                self._checkpoints[number] = checkpoint

        batches = encode_batches(
            self._batches(missing), self._encoder, thumbnails=self._options.thumbnails, store=self._options.store
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

    def _batches(self, missing: dict[int, tuple[Place, ...]]) -> Iterator[PictureBatch]:
        size = self._options.batch_size
        for number, places in missing.items():
            for start in range(0, len(places), size):
                yield PictureBatch(number, places[start : start + size], is_last=start + size >= len(places))

    def _check_space(self, to_encode: int) -> None:
        """Before hours of work: whether the map can fit at all."""
        index_bytes = 4 * self._shapes.global_dim * len(self._listing.places)
        needed = to_encode * (self._shapes.bytes_per_picture + _BYTES_BESIDE_FEATURES) + index_bytes
        free = shutil.disk_usage(self._staging.path).free
        if needed > free:
            raise StorageError(
                f"the map needs about {needed / 1e6:,.1f} MB more, but {self._staging.path.parent} has "
                f"{free / 1e6:,.1f} MB free; make room, or build on another disk"
            )


@contextmanager
def _one_thread(name: str) -> Iterator[ThreadPoolExecutor]:
    """A thread that takes work in order; when the block fails, what it has not begun is dropped."""
    executor = ThreadPoolExecutor(1, thread_name_prefix=name)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _plan_of(listing: SourceListing, encoder: Encoder, options: BuildOptions) -> BuildPlan:
    return BuildPlan.of(
        listing,
        encoder,
        batch_size=options.batch_size,
        segment_size=options.segment_size_for(len(listing.places)),
        thumbnails=options.thumbnails,
        store=options.store,
    )


def _feature_shapes(encoder: Encoder, store: StoreType) -> FeatureShapes:
    return FeatureShapes(
        global_dim=encoder.global_dim,
        local_grid=encoder.local_grid,
        local_dim=encoder.local_dim,
        dtype=global_type(store),
        local_store=store,
    )
