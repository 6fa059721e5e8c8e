"""The reading of codes of blocks by machine code, with the arrays of a codebook in the order in which it reads them."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:  # LLVM may be missing
    from model.cpu_kernels.block_reading import BlockReading


class BlockReader:
    """Read codes of blocks by a kernel of ``model.cpu_kernels.block_reading``.

    Args:
        kernel: The kernel.
        axes: ``(K, cells of a block · C)``, at least one axis.
        entries: ``(K, 256)``.
        widths: The axes of each byte.
        cell_of_place: ``(blocks, cells of a block)``, the cell at each place; -1 where a place only fills up.
    """

    def __init__(
        self,
        kernel: "BlockReading",
        axes: NDArray[np.int16],
        entries: NDArray[np.int16],
        widths: Sequence[int],
        cell_of_place: NDArray[np.int32],
    ) -> None:
        from model.cpu_kernels.block_reading import COPIED  # noqa: PLC0415

        spare = -len(axes) % kernel.axes_together  # axes that the last byte gets; they and their entries are 0
        self._kernel = kernel
        self._axes = kernel.arranged(np.pad(axes, ((0, spare), (0, 0))), cell_of_place.shape[1])
        self._widths = np.array([*widths[:-1], widths[-1] + spare], np.int64)
        of_bytes = np.split(np.pad(entries, ((0, spare), (0, 0))), np.cumsum(self._widths)[:-1])
        joined = np.concatenate([*(part.T.ravel() for part in of_bytes), np.zeros(COPIED, np.int16)])
        self._entries = kernel.named(joined)
        self._cell_of_place = np.ascontiguousarray(cell_of_place)

    @property
    def instructions(self) -> str:
        """Return the instructions of the kernel, in words."""
        return self._kernel.tile.instructions

    def read(self, stored: NDArray[np.uint8], codes: NDArray[np.int8]) -> None:
        """Write the codes of pictures.

        Args:
            stored: ``(pictures, blocks, width)``, contiguous, at least one picture.
            codes: ``(pictures, N, C)``, contiguous; the result is written to it.
        """
        from model.cpu_kernels.block_reading import FIELDS  # noqa: PLC0415
        from model.cpu_kernels.task import run_task  # noqa: PLC0415

        pictures, blocks, width = stored.shape
        axes_count, (cells, channels) = int(self._widths.sum()), codes.shape[1:]
        of_thread = self._kernel.memory_bytes(axes_count, channels)
        memory = torch.empty(torch.get_num_threads() * of_thread, dtype=torch.uint8)
        run_task(
            self._kernel.read_blocks,
            FIELDS,
            blocks=pictures * blocks,
            blocks_of_picture=blocks,
            width=width,
            axes_count=axes_count,
            cells_of_block=self._cell_of_place.shape[1],
            channels=channels,
            cells=cells,
            stored=stored.ctypes.data,
            widths=self._widths.ctypes.data,
            entries=self._entries.data_ptr(),
            axes=self._axes.data_ptr(),
            cell_of_place=self._cell_of_place.ctypes.data,
            codes=codes.ctypes.data,
            memory=memory.data_ptr(),
            memory_bytes=of_thread,
        )


def block_readers(
    axes: NDArray[np.int16], entries: NDArray[np.int16], widths: Sequence[int], cell_of_place: NDArray[np.int32]
) -> Iterator[BlockReader]:
    """Yield the readers of a codebook on this processor, the fastest first; see ``BlockReader`` for the arguments."""
    cells_of_block = cell_of_place.shape[1]
    for kernel in _kernels():
        from model.cpu_kernels.block_reading import LANES  # noqa: PLC0415

        is_exact = kernel.is_exact_for(axes) and kernel.is_exact_for(entries)
        if is_exact and axes.size and axes.shape[1] // cells_of_block >= LANES:
            yield BlockReader(kernel, axes, entries, widths, cell_of_place)


@cache
def _kernels() -> "Sequence[BlockReading]":
    try:
        from model.cpu_kernels.block_reading import host_block_readings  # noqa: PLC0415
    except ImportError:
        return ()
    return host_block_readings()
