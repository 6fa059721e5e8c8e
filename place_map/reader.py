"""One version of a map, immutable, as its readers use it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.encoder import Encoder
from model.errors import InvalidInput
from place_map import layout
from place_map.calibration import Calibration
from place_map.calibration_file import read_calibration
from place_map.feature_store import TORCH_TYPES, StoredFeatures, announce_rows
from place_map.local_codec import StoreType
from place_map.manifest import Manifest, SourceHint
from place_map.network_check import check_network
from place_map.open_files import FILES_PER_SEGMENT, allow_open_files
from place_map.opening_checks import check_searched_files, check_sizes
from place_map.place_file import read_places
from place_map.place_table import PlaceTable, join_live
from place_map.segment_files import SegmentFiles, open_segment
from place_map.shard import Shard, files_of, segments_of
from place_map.version_hold import VersionHold
from place_map.versions import hold_version

CHUNK_ROWS = 16_384  # number of global features per piece: 32 MB of float16 at D = 1024


class PlaceMap:
    """Read one version of a map; several threads can read it at once.

    A *row* is the number of a live picture, counted through the segments in the order of the manifest. The index has
    the same order. If a shard of the map is open, only its rows are counted.

    Attributes:
        path: Directory of the map.
        name: The last component of the path.
        manifest: The manifest of the version.
        shard: The part of the map that is open; None for the whole map.
        segments: The open segments, in the order of the manifest.
        files: Path below the map → size and sum, for all files that are read but the manifest, and thumbnails that have
            a file each.
        places: The id, position, heading and time of every row.
        calibration: The judgement on the evidence for an answer; None if the map has no usable calibration.
    """

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        segments: Sequence[SegmentFiles],
        places: PlaceTable,
        hold: VersionHold | None = None,
        calibration: Calibration | None = None,
        shard: Shard | None = None,
    ) -> None:
        """Take open files; use ``open`` instead."""
        self.shard = shard
        self.segments = segments_of(manifest, shard)
        self.files = files_of(manifest, shard)
        self._hold = hold
        self.calibration = calibration
        self.path = path
        self.name = path.absolute().name
        self.manifest = manifest
        self.places = places
        self._segments = tuple(segments)
        self._starts = np.cumsum([0, *(len(segment.live) for segment in segments)], dtype=np.int64)

    @classmethod
    def open(cls, path: Path | str, version: str | None = None, shard: Shard | None = None) -> Self:
        """Open the version that ``CURRENT`` names, or another one; an open version is not removed.

        This always checks the sums of manifest and calibration, the sizes of all files, shapes, types and row counts.
        ``check_sums`` checks the files that a search reads completely, and ``index_builder.verify`` every byte.

        Args:
            path: Directory of the map, ``maps/NAME``.
            version: The number of the version; by default the served one.
            shard: The part of the map to open; by default all. The files of other segments are not touched.

        Raises:
            InvalidInput: The map has fewer segments than shards.
            MapNotFound: There is no map.
            VersionNotFound: The map does not have this version.
            MapCorrupt: Files and manifest disagree.
            MapVersionUnsupported: A newer release wrote the map.
            MapError: The map has more segments than the system permits open files.
        """
        path = Path(path)
        manifest, hold = hold_version(path, version)
        check_sizes(path, files_of(manifest, shard))
        allow_open_files(FILES_PER_SEGMENT * len(segments_of(manifest, shard)))
        segments: list[SegmentFiles] = []

        def tables() -> Iterator[tuple[pa.Table, NDArray[np.int64]]]:  # one at a time, so that none is kept
            for segment in segments_of(manifest, shard):
                directory = layout.segment_dir(path, segment.id)
                table = read_places(directory / layout.PLACES, segment.rows)
                segments.append(open_segment(directory, segment, manifest.features, table))
                yield table, segments[-1].live

        places = PlaceTable(join_live(tables()), path)
        sums = manifest.calibration
        calibration = None if sums is None else read_calibration(path, manifest.version, sums.sha256)
        return cls(path, manifest, segments, places, hold, calibration, shard)

    @property
    def version(self) -> str:
        """Return the number of the version, six digits."""
        return self.manifest.version

    @property
    def index_path(self) -> Path:
        """Return the file of the shortlist index, if it is kept in one."""
        return layout.version_dir(self.path, self.version) / layout.INDEX

    @property
    def segment_files(self) -> Sequence[SegmentFiles]:
        """Return the open files of the segments, in the order of the manifest."""
        return self._segments

    @property
    def store_type(self) -> torch.dtype:
        """Return the type of the stored global features."""
        return TORCH_TYPES[self.manifest.features.dtype]

    @property
    def store(self) -> StoreType:
        """Return the stored form of the local features."""
        return self.manifest.features.local_codec.store

    @property
    def local_type(self) -> torch.dtype:
        """Return the type of the result of ``local_features``."""
        return self.manifest.features.local_codec.decoded_type

    def __len__(self) -> int:
        return int(self._starts[-1])

    def check_network(self, encoder: Encoder) -> None:
        """Check that queries are encoded like the map's pictures.

        The decoding of large JPEGs at a fraction may differ from the encoder's: each map states it for its queries.

        Raises:
            NetworkMismatch: The network or the way of resizing is another.
        """
        check_network(self.name, self.manifest, encoder)

    def check_sums(self) -> None:
        """Compare index and global features with their sums: a flipped bit would change answers silently.

        This reads about 6 kB per picture at D = 1024, at the speed of the disk or of SHA-256.

        Raises:
            MapCorrupt: One of the files has changed.
        """
        check_searched_files(self.path, self.files)

    def global_features(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read the global features of some rows.

        Args:
            rows: ``(k,)``, in any order.

        Returns:
            ``(k, D)`` float32: the stored values, not rounded again.

        Raises:
            InvalidInput: A row is not in the map.
        """
        result = np.empty((len(rows), self.manifest.features.global_dim), np.float32)
        numbers = self._segment_numbers(rows)
        parts = []  # by segment, because a coarse index proposes many rows
        for number in np.unique(numbers):
            segment, wanted = self._segments[number], numbers == number
            of_file = segment.live[rows[wanted] - self._starts[number]]
            announce_rows(segment.global_features, of_file)
            parts.append((segment.global_features, wanted, of_file))
        for global_features, wanted, of_file in parts:
            result[wanted] = global_features[of_file]
        return result

    def global_chunks(self, chunk_rows: int = CHUNK_ROWS) -> Iterator[StoredFeatures]:
        """Yield all global features in the order of the rows, in pieces ``(at most chunk_rows, D)``."""
        for segment in self._segments:
            for start in range(0, len(segment.live), chunk_rows):
                live = segment.live[start : start + chunk_rows]
                span = segment.global_features[live[0] : live[-1] + 1]
                yield span if len(span) == len(live) else span[live - live[0]]

    def announce(self, rows: NDArray[np.int64]) -> None:
        """Announce rows whose local features will be read soon: the system fetches them in the background.

        Args:
            rows: ``(k,)``, in any order.

        Raises:
            InvalidInput: A row is not in the map.
        """
        for segment, row in self._locate(np.sort(rows)):
            segment.local_features.announce(row)

    def local_features(
        self, rows: NDArray[np.int64], out: Tensor | None = None, extras: Tensor | None = None
    ) -> Tensor:
        """Read the local features of some rows, in the form that the matcher takes.

        All rows are announced, then read in the order of the files.

        Args:
            rows: ``(k,)``, in any order.
            out: A contiguous CPU tensor of ``local_type`` with at least k rows, to which the result is written; a new
                one if None. A reused tensor saves the page faults of new memory, which cost more than the reading.
            extras: A contiguous float32 CPU tensor ``(≥ k, N, E)``, to which the extras of the features are written;
                None if they are not wanted.

        Returns:
            ``(k, N, C)`` of ``local_type`` on the CPU; the first k rows of ``out`` if it was given. A store of floats
            gives features of length 1, other stores give codes (``model.codes``).

        Raises:
            InvalidInput: A row is not in the map, or ``out`` does not fit.
            MapCorrupt: A file cannot be read.
        """
        shapes = self.manifest.features
        row_shape = (shapes.local_count, shapes.local_dim)
        if out is None:
            out = torch.empty((len(rows), *row_shape), dtype=self.local_type)
        elif out.dtype != self.local_type or out.shape[1:] != row_shape or len(out) < len(rows):
            raise InvalidInput(
                f"{len(rows)} rows of {row_shape} {self.local_type} do not fit into {out.dtype} {tuple(out.shape)}"
            )
        self.announce(rows)
        buffer = out.numpy()
        order = np.argsort(rows, kind="stable")
        beside = None if extras is None else extras.numpy()
        for target, (segment, row) in zip(order.tolist(), self._locate(rows[order]), strict=True):
            segment.local_features.read(row, buffer[target], None if beside is None else beside[target])
        return out[: len(rows)]

    def thumbnail(self, row: int) -> bytes | None:
        """Return the small JPEG of a row; None if the map has no thumbnails.

        Raises:
            InvalidInput: The row is not in the map.
            MapCorrupt: The file is missing, or its bytes differ from the table.
        """
        expected = self.places[row].thumbnail
        if expected is None:
            return None
        [(segment, segment_row)] = self._locate(np.array([row]))
        return segment.thumbnails.read_checked(segment_row, expected)

    def segment_of(self, row: int) -> str:
        """Return the id of the segment of a row."""
        [(segment, _)] = self._locate(np.array([row]))
        return segment.directory.name

    def source_of(self, row: int) -> SourceHint:
        """Return the source of the picture of a row."""
        segment_id = self.segment_of(row)
        return next(
            self.manifest.sources[segment.source] for segment in self.manifest.segments if segment.id == segment_id
        )

    def close(self) -> None:
        """Close the files; returned tensors stay valid."""
        self._segments = ()
        self._hold = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _locate(self, rows: NDArray[np.int64]) -> Iterator[tuple[SegmentFiles, int]]:
        """Return the segment of each row, and the row in the segment's files."""
        numbers = self._segment_numbers(rows)
        for row, number in zip(rows.tolist(), numbers.tolist(), strict=True):
            segment = self._segments[number]
            yield segment, int(segment.live[row - self._starts[number]])

    def _segment_numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of each row's segment."""
        if not self._segments:
            raise InvalidInput(f"map {self.name} is closed")
        if len(rows) and (rows.min() < 0 or rows.max() >= len(self)):
            raise InvalidInput(f"rows {rows.min()} to {rows.max()} are not all in a map of {len(self)} pictures")
        return np.searchsorted(self._starts, rows, side="right") - 1
