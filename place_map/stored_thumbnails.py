"""The thumbnails of a segment: one file, in which they follow each other in the order of the rows.

The table of the segment has the size and the sum of each thumbnail, so the file needs no list of its own. A segment
from before format 7 has a folder, with a file for each thumbnail.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from place_map import layout
from place_map.errors import MapCorrupt
from place_map.file_sum import FileSum
from place_map.place_file import listed_thumbnails
from place_map.segment import Segment, Thumbnails


class ThumbnailWriter:
    """Write the thumbnails of a segment, in the order of its rows.

    Args:
        path: A file that does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        self._bytes = 0
        self._file: BinaryIO = path.open("xb")

    def append(self, thumbnail: bytes) -> FileSum:
        """Write a JPEG, and return its size and sum."""
        self._file.write(thumbnail)
        self._count += 1
        self._bytes += len(thumbnail)
        return FileSum(bytes=len(thumbnail), sha256=hashlib.sha256(thumbnail).hexdigest())

    def finish(self) -> Thumbnails:
        """Wait until the file is on the disk, and count; a file without thumbnails is removed."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if not self._count:
            self._path.unlink()
        return Thumbnails(count=self._count, bytes=self._bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


class StoredThumbnails:
    """Read the thumbnails of a finished segment; several threads can read at once.

    No file stays open. The offsets take 8 bytes of memory a row.

    Args:
        directory: The directory of the segment.
        segment: The segment in the manifest.
        table: The table of the segment, with all rows.
    """

    def __init__(self, directory: Path, segment: Segment, table: pa.Table) -> None:
        self._directory = directory
        self._is_packed = segment.has_packed_thumbnails
        sizes = np.nan_to_num(table.column("thumbnail_bytes").to_numpy()).astype(np.int64)  # null becomes NaN, then 0
        self._offsets: NDArray[np.int64] = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])

    def path_of(self, row: int) -> Path:
        """Return the file that has the thumbnail of a row."""
        if self._is_packed:
            return self._directory / layout.THUMBNAILS
        return self._directory / layout.LOOSE_THUMBNAILS / layout.thumbnail_name(row)

    def read_checked(self, row: int, expected: FileSum) -> bytes:
        """Read the thumbnail of a row, and compare it with its size and sum.

        Args:
            row: The number of the row in the segment, which has a thumbnail.
            expected: Its size and sum in the table.

        Raises:
            MapCorrupt: The file cannot be read, or the thumbnail differs from the table.
        """
        content, path = self.read(row), self.path_of(row)
        if not _is_right(content, expected):
            raise MapCorrupt(
                f"the thumbnail of row {row} in {path} differs from the table; run placefix verify on the map", path
            )
        return content

    def read(self, row: int) -> bytes:
        """Read the thumbnail of a row; the bytes are not compared with their sum.

        Args:
            row: The number of the row in the segment, which has a thumbnail.

        Raises:
            MapCorrupt: The file cannot be read.
        """
        path = self.path_of(row)
        try:
            if not self._is_packed:
                return path.read_bytes()
            with path.open("rb", buffering=0) as file:
                file.seek(int(self._offsets[row]))
                return _read(file, int(self._offsets[row + 1] - self._offsets[row]))
        except OSError as error:
            raise MapCorrupt(f"{path} cannot be read: {error}; run placefix verify on the map", path) from error


def loose_thumbnails(directory: Path, segment: Segment, table: pa.Table) -> Iterator[tuple[Path, FileSum]]:
    """Yield path, size and sum of every thumbnail that has a file of its own.

    Args:
        directory: The directory of the segment, which precedes the names.
        segment: The segment in the manifest.
        table: The table of the segment, with all rows.
    """
    if segment.has_packed_thumbnails:
        return
    for row, file in listed_thumbnails(table):
        yield directory / layout.LOOSE_THUMBNAILS / layout.thumbnail_name(row), file


def wrong_thumbnail(directory: Path, segment: Segment, table: pa.Table) -> int | None:
    """Return the first row whose thumbnail in the one file differs from the table; None if there is none.

    Raises:
        MapCorrupt: The file cannot be read.
    """
    if not segment.has_packed_thumbnails:
        return None
    stored = StoredThumbnails(directory, segment, table)
    for row, expected in listed_thumbnails(table):
        if not _is_right(stored.read(row), expected):
            return row
    return None


def _is_right(content: bytes, expected: FileSum) -> bool:
    return len(content) == expected.bytes and hashlib.sha256(content).hexdigest() == expected.sha256


def _read(file: BinaryIO, count: int) -> bytes:
    """Read bytes up to the end of the file; a network share may return a part at a time."""
    content = bytearray()
    while len(content) < count and (part := file.read(count - len(content))):
        content += part
    return bytes(content)
