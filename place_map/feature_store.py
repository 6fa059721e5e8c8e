"""Features on disk: standard .npy files, written once from front to back, and memory-mapped for reading.

A row is a run of bytes at a known offset, so gathering a shortlist is one copy per row, and any program that knows
NumPy can read the file. A mapped file must never be shortened or rewritten: a reader that touches a missing page dies
of SIGBUS. Therefore a finished file never changes.

Global features are float16, or float32 in maps for evaluations that must equal the plain method to the last bit.
``local_codec`` defines how local features are stored.
"""

import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from tokenize import TokenError
from types import TracebackType
from typing import BinaryIO, Literal, Self, TypeAlias, overload

import numpy as np
import torch
from numpy.typing import NDArray

from place_map.errors import MapCorrupt

FloatType = Literal["float16", "float32"]
ArrayType = Literal["float16", "float32", "int8", "uint8"]
StoredFeatures: TypeAlias = NDArray[np.float16] | NDArray[np.float32]
StoredCodes: TypeAlias = NDArray[np.int8] | NDArray[np.uint8]
StoredArray: TypeAlias = StoredFeatures | StoredCodes

TORCH_TYPES: dict[ArrayType, torch.dtype] = {
    "float16": torch.float16,
    "float32": torch.float32,
    "int8": torch.int8,
    "uint8": torch.uint8,
}
_NUMPY_TYPES: dict[ArrayType, np.dtype[np.floating] | np.dtype[np.integer]] = {
    "float16": np.dtype("<f2"),
    "float32": np.dtype("<f4"),
    "int8": np.dtype("i1"),
    "uint8": np.dtype("u1"),
}

# All errors that numpy has raised on damaged headers; UserWarning if warnings are turned into errors.
_UNREADABLE = (OSError, ValueError, SyntaxError, TokenError, UserWarning)


class FeatureWriter:
    """Write one .npy file whose number of rows is known only at the end.

    numpy leaves room in the header for the first dimension to grow. The header is written with 0 rows, then the rows,
    then the header again.

    Args:
        path: A file that does not exist.
        row_shape: The shape of one row.
        array_type: The type of the values.
    """

    def __init__(self, path: Path, row_shape: Sequence[int], array_type: ArrayType) -> None:
        self._dtype = _NUMPY_TYPES[array_type]
        self._row_shape = tuple(row_shape)
        self._rows = 0
        self._file: BinaryIO = path.open("xb")
        self._header_bytes = self._write_header()

    def append(self, rows: StoredArray) -> None:
        """Append ``(n, *row_shape)`` of the type of the file."""
        if rows.shape[1:] != self._row_shape or rows.dtype != self._dtype:
            raise ValueError(f"expected {self._dtype} (n, {self._row_shape}), not {rows.dtype} {rows.shape}")
        self._file.write(np.ascontiguousarray(rows).data)
        self._rows += len(rows)

    def finish(self) -> None:
        """Write the number of rows into the header, and wait until the file is on the disk."""
        self._file.seek(0)
        if self._write_header() != self._header_bytes:
            raise AssertionError("the header of a .npy file has changed its length")
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _write_header(self) -> int:
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": (self._rows, *self._row_shape)}
        np.lib.format.write_array_header_1_0(self._file, header)
        return self._file.tell()


def bytes_per_value(array_type: ArrayType) -> int:
    """Return the size of one value on the disk."""
    return _NUMPY_TYPES[array_type].itemsize


@overload
def map_features(path: Path, shape: Sequence[int], array_type: FloatType) -> StoredFeatures: ...


@overload
def map_features(path: Path, shape: Sequence[int], array_type: ArrayType) -> StoredArray: ...


def map_features(path: Path, shape: Sequence[int], array_type: ArrayType) -> StoredArray:
    """Map a finished file, read-only.

    Args:
        path: A .npy file.
        shape: The shape that the manifest states.
        array_type: The type that the manifest states.

    Raises:
        MapCorrupt: The file is not there, or holds another shape or type.
    """
    # A plain array, because indexing the np.memmap class costs more than copying a short row.
    return np.asarray(_open(path, shape, array_type))


def announce_rows(mapped: StoredArray, rows: NDArray[np.int64]) -> None:
    """Announce rows of a mapped file that will be read soon, so that the system fetches them together; do not wait.

    Without it, each row is fetched when it is touched, one after the other, and with its neighbours.

    Args:
        mapped: An array of ``map_features``.
        rows: ``(k,)``, at least one, in any order.
    """
    memory: object = mapped
    while isinstance(memory, np.ndarray):
        memory = memory.base
    if not isinstance(memory, mmap.mmap) or not hasattr(mmap, "MADV_WILLNEED"):  # an array in memory; Windows
        return
    first = mapped.ctypes.data - np.frombuffer(memory, np.uint8).ctypes.data  # where the rows begin in the file
    starts = first + np.sort(rows) * mapped.strides[0]
    ends = starts + mapped.strides[0]
    starts -= starts % mmap.PAGESIZE  # the system takes whole pages
    begins = np.append(True, starts[1:] > ends[:-1])  # rows without a gap between them are announced at once
    for start, end in zip(starts[begins].tolist(), ends[np.append(begins[1:], True)].tolist(), strict=True):
        memory.madvise(mmap.MADV_WILLNEED, start, end - start)


def offset_of_rows(path: Path, shape: Sequence[int], array_type: ArrayType) -> int:
    """Return the offset in bytes of the first row in a finished file.

    Raises:
        MapCorrupt: See ``map_features``.
    """
    return _open(path, shape, array_type).offset


def _open(
    path: Path, shape: Sequence[int], array_type: ArrayType
) -> "np.memmap[tuple[int, ...], np.dtype[np.generic]]":
    try:
        mapped = np.lib.format.open_memmap(path, mode="r")
        # A damaged header length would shift the rows; they would not end at the end of the file.
        is_whole = mapped.offset + mapped.nbytes == path.stat().st_size
    except _UNREADABLE as error:
        raise MapCorrupt(f"{path} cannot be read as a .npy file: {error}; run placefix verify on the map") from error
    is_stated = mapped.dtype == _NUMPY_TYPES[array_type] and mapped.shape == tuple(shape)
    if not (is_stated and mapped.flags.c_contiguous and is_whole):
        raise MapCorrupt(
            f"{path} holds {mapped.dtype} {mapped.shape} in {path.stat().st_size:,} bytes, but the manifest says "
            f"{array_type} {tuple(shape)}; run placefix verify on the map"
        )
    return mapped
