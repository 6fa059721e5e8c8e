"""A file of rows that are read by number, for the few large rows of a shortlist out of many.

Reading into a buffer is faster here than mapping. A mapped row is fetched from the disk page by page when it is
touched. A row in a file is fetched in one piece, and announced rows are fetched in parallel while the reader does other
work (``python -m benchmarks gather``). A truncated file gives an error instead of a SIGBUS.
"""

import os
import weakref
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from place_map.errors import MapCorrupt
from place_map.feature_store import ArrayType, bytes_per_value, offset_of_rows


class RowFile:
    """Read rows of a finished .npy file; several threads can read at once.

    The file is closed when the last reference to this object is gone: a thread that is reading when a map is closed can
    finish.

    Args:
        path: A .npy file.
        shape: The shape that the manifest states, rows first.
        array_type: The type that the manifest states.

    Raises:
        MapCorrupt: The file is not there, or holds another shape or type.
    """

    def __init__(self, path: Path, shape: Sequence[int], array_type: ArrayType) -> None:
        self._path = path
        self._offset = offset_of_rows(path, shape, array_type)
        self._row_bytes = prod(shape[1:]) * bytes_per_value(array_type)
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise MapCorrupt(f"{path} cannot be read: {error}; run placefix verify on the map", path) from error
        weakref.finalize(self, os.close, self._descriptor)

    def announce(self, row: int) -> None:
        """Announce a row that will be read soon, so that the system can fetch it, and do not wait."""
        if hasattr(os, "posix_fadvise"):  # not on macOS
            place = self._offset + row * self._row_bytes
            os.posix_fadvise(self._descriptor, place, self._row_bytes, os.POSIX_FADV_WILLNEED)

    def read(self, row: int, out: NDArray[np.generic]) -> None:
        """Read a row.

        Args:
            row: The number of the row.
            out: An array of the type and shape of a row, contiguous; the row is written to it.

        Raises:
            MapCorrupt: The row cannot be read.
        """
        if not self._row_bytes:
            return
        view = out.reshape(-1).view(np.uint8).data
        start, done = self._offset + row * self._row_bytes, 0
        while (
            done < self._row_bytes
        ):  # a network share may return a part at a time; only the end of the file returns nothing
            try:
                count = os.preadv(self._descriptor, [view[done:]], start + done)
            except OSError as error:
                raise MapCorrupt(
                    f"{self._path} cannot be read: {error}; run placefix verify on the map", self._path
                ) from error
            if not count:
                raise MapCorrupt(f"{self._path} ends within row {row}; run placefix verify on the map", self._path)
            done += count
