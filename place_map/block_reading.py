"""The reading of codes of blocks by machine code, with the arrays of a codebook in the order in which it reads them."""

from functools import cache
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:  # LLVM may be missing
    from model.cpu_kernels.block_reading import BlockReading

_LINE_BYTES = 64
_TOGETHER = 4  # axes; the kernel multiplies pairs, two at a time


class BlockReader:
    """Read codes of blocks by the kernel of ``model.cpu_kernels.block_reading``."""

    def __init__(
        self,
        kernel: "BlockReading",
        axes: NDArray[np.int16],
        entries: NDArray[np.int16],
        byte_of_axis: NDArray[np.intp],
        cell_of_place: NDArray[np.int32],
        channels: int,
    ) -> None:
        """Arrange the arrays; see ``BlockReader.of``."""
        spare = -len(axes) % _TOGETHER
        self._kernel = kernel
        self._axes_count = len(axes) + spare
        arranged = kernel.tile.arranged(np.ascontiguousarray(np.pad(axes, ((0, spare), (0, 0))).T))
        self._axes = torch.empty(arranged.shape, dtype=torch.int32)  # torch's memory begins with a line of the cache
        self._axes.numpy()[...] = arranged
        self._entries = np.ascontiguousarray(np.pad(entries, ((0, spare), (0, 0))))
        self._byte_of_axis = np.pad(byte_of_axis, (0, spare)).astype(np.int32)
        self._cell_of_place = np.ascontiguousarray(cell_of_place)
        self._channels = channels

    @classmethod
    def of(
        cls,
        axes: NDArray[np.int16],
        entries: NDArray[np.int16],
        byte_of_axis: NDArray[np.intp],
        cell_of_place: NDArray[np.int32],
    ) -> Self | None:
        """Return the reader of a codebook; None if this processor has no kernel, or no kernel fits the shape.

        Args:
            axes: ``(K, cells of a block · C)``.
            entries: ``(K, 256)``.
            byte_of_axis: ``(K,)``, the number of the byte that has each axis.
            cell_of_place: ``(blocks, cells of a block)``, the cell at each place; -1 where a place only fills up.
        """
        kernel = _kernel()
        if kernel is None or not axes.size:
            return None
        from model.cpu_kernels.block_reading import LANES  # noqa: PLC0415

        blocks, cells_of_block = cell_of_place.shape
        channels = axes.shape[1] // cells_of_block
        if channels % LANES or axes.shape[1] % kernel.tile.columns or blocks < kernel.tile.rows:
            return None
        return cls(kernel, axes, entries, byte_of_axis, cell_of_place, channels)

    def read(self, stored: NDArray[np.uint8], codes: NDArray[np.int8]) -> None:
        """Write the codes of pictures.

        Args:
            stored: ``(pictures, blocks, width)``, contiguous, at least one picture.
            codes: ``(pictures, N, C)``, contiguous; the result is written to it.
        """
        from model.cpu_kernels.block_reading import FIELDS, memory_bytes  # noqa: PLC0415
        from model.cpu_kernels.task import run_task  # noqa: PLC0415

        blocks, cells_of_block = self._cell_of_place.shape
        of_thread = memory_bytes(self._kernel.tile, self._axes_count, cells_of_block * self._channels)
        of_thread += -of_thread % _LINE_BYTES
        memory = torch.empty(torch.get_num_threads() * of_thread, dtype=torch.uint8)
        run_task(
            self._kernel.read_blocks,
            FIELDS,
            pictures=len(stored),
            blocks=blocks,
            width=stored.shape[2],
            axes_count=self._axes_count,
            cells_of_block=cells_of_block,
            channels=self._channels,
            cells=codes.shape[1],
            stored=stored.ctypes.data,
            entries=self._entries.ctypes.data,
            byte_of_axis=self._byte_of_axis.ctypes.data,
            axes=self._axes.data_ptr(),
            cell_of_place=self._cell_of_place.ctypes.data,
            codes=codes.ctypes.data,
            memory=memory.data_ptr(),
            memory_bytes=of_thread,
        )


@cache
def _kernel() -> "BlockReading | None":
    try:
        from model.cpu_kernels.block_reading import host_block_reading  # noqa: PLC0415
    except ImportError:
        return None
    return host_block_reading()
