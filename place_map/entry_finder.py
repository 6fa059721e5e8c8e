"""The search of the nearest entries of a codebook by machine code."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class EntryFinder:
    """Find nearest entries by the kernel of ``model.cpu_kernels.nearest_entries``.

    Args:
        function: The address of the kernel.
        targets: For each byte its entries ``(axes, 256)`` float64, and half of their squared lengths ``(256,)``.
    """

    def __init__(self, function: int, targets: Sequence[tuple[Tensor, Tensor]]) -> None:
        self._function = function
        self._entries = torch.cat([entries for entries, _ in targets])
        self._half_squares = torch.stack([half_squares for _, half_squares in targets])
        self._first_axes = np.cumsum([0, *(len(entries) for entries, _ in targets)], dtype=np.int64)

    @classmethod
    def of(cls, targets: Sequence[tuple[Tensor, Tensor]]) -> Self | None:
        """Return the finder of a codebook; None if this processor has no kernel, or the codebook has no bytes."""
        try:
            from model.cpu_kernels.nearest_entries import nearest_entries  # noqa: PLC0415  (LLVM may be missing)
        except ImportError:
            return None
        kernel = nearest_entries()
        return None if kernel is None or not targets else cls(kernel[0], targets)

    def find(self, products: Tensor, nearest: NDArray[np.uint8]) -> None:
        """Write the numbers of the nearest entries.

        Args:
            products: ``(blocks, K)`` float32, on the CPU.
            nearest: ``(blocks, width)``, contiguous; the result is written to it.
        """
        from model.cpu_kernels.nearest_entries import FIELDS  # noqa: PLC0415
        from model.cpu_kernels.task import run_task  # noqa: PLC0415

        if not nearest.size:
            return
        products = products.contiguous()
        run_task(
            self._function,
            FIELDS,
            blocks=len(products),
            width=nearest.shape[1],
            axes_count=products.shape[1],
            products=products.data_ptr(),
            first_axes=self._first_axes.ctypes.data,
            entries=self._entries.data_ptr(),
            half_squares=self._half_squares.data_ptr(),
            nearest=nearest.ctypes.data,
        )
