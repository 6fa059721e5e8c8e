"""The nearest cells of many pairs of pictures at once, by a fused Triton kernel without a score matrix in memory.

A block of the kernel holds some cells of one picture in registers and loops over all cells of the other, tile by tile;
scores exist only during a tile. The kernel runs once for each side: the second product costs less than writing and
reading the scores of the first (55 MB for 3721 × 3721 cells).

``tests/model/test_gpu_matching.py::test_on_a_gpu_it_is_the_plain_search`` compares it with the plain search, and
``tests/model/test_gpu_matching.py::test_under_the_interpreter_it_is_the_plain_search`` does so without a GPU.
"""

import logging
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from model.errors import InvalidInput

_BLOCK_ROWS, _BLOCK_COLUMNS = 64, 128
_CHANNELS_TOGETHER = 16

_log = logging.getLogger("placefix.model")


def nearest_cells(queries: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    """Find for each cell of a picture the nearest cell of the other, by dot product, in both directions.

    Features are rounded to float16, and products are summed in float32. If similarities are equal, the first cell is
    nearest.

    Args:
        queries: ``(P, L, C)`` local features of length 1. Zeros fill up C to a multiple of 16 and change no product.
        candidates: ``(P, M, C)``, pair by pair. If P is 1 on one side, its picture is paired with all of the other
            side.

    Returns:
        ``(P, L)`` cells of the candidates and ``(P, M)`` cells of the queries, int64.

    Raises:
        InvalidInput: The shapes do not fit together.
    """
    if queries.ndim != 3 or candidates.ndim != 3 or candidates.shape[-1] != queries.shape[-1]:
        raise InvalidInput(
            f"local features must be (P, L, C) and (P, M, C), not {tuple(queries.shape)} and {tuple(candidates.shape)}"
        )
    pairs = max(len(queries), len(candidates))
    if not {len(queries), len(candidates)} <= {1, pairs}:
        raise InvalidInput(f"{len(queries)} pictures cannot be paired with {len(candidates)}")
    queries, candidates = _as_the_kernel_reads(queries), _as_the_kernel_reads(candidates)
    return _nearest(queries, candidates, pairs), _nearest(candidates, queries, pairs)


def _as_the_kernel_reads(features: Tensor) -> Tensor:
    """Return contiguous float16 whose cells begin at multiples of 32 bytes, so that several are loaded at once."""
    features = features.detach().half()
    spare = filled_up_channels(features.shape[-1]) - features.shape[-1]
    return (pad(features, (0, spare)) if spare else features).contiguous()


def filled_up_channels(channels: int) -> int:
    """Return the least multiple of 16 that holds a number of channels; at least 16."""
    return max(-(-channels // _CHANNELS_TOGETHER), 1) * _CHANNELS_TOGETHER


def _nearest(rows: Tensor, columns: Tensor, pairs: int) -> Tensor:
    """Return the nearest column for each row, ``(P, L)`` int64."""
    nearest = torch.empty(pairs, rows.shape[1], dtype=torch.int64, device=rows.device)
    grid = (-(-rows.shape[1] // _BLOCK_ROWS), pairs)
    _kernel()[grid](
        rows,
        columns,
        nearest,
        rows.shape[1],
        columns.shape[1],
        rows.stride(0) if len(rows) > 1 else 0,
        columns.stride(0) if len(columns) > 1 else 0,
        CHANNELS=rows.shape[2],
        CHANNELS_PADDED=1 << (rows.shape[2] - 1).bit_length(),
        BLOCK_ROWS=_BLOCK_ROWS,
        BLOCK_COLUMNS=_BLOCK_COLUMNS,
    )
    return nearest


def has_triton() -> bool:
    """Return whether Triton is installed; it comes with the CUDA builds of torch."""
    try:
        import triton  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


def can_fuse(channels: int) -> bool:
    """Return whether the kernel runs on the GPU of this machine; it is tried once per number of channels, on one cell.

    An installed Triton is not enough. It needs a C compiler, the headers of Python, and a folder for executable files,
    which a container may lack. More channels also need more of a GPU's fast memory. A warning says why the kernel does
    not run.

    Args:
        channels: C.

    Raises:
        torch.OutOfMemoryError: The GPU has no memory for one cell.
        torch.AcceleratorError: The GPU cannot be used at all.
    """
    return has_triton() and _runs(filled_up_channels(channels))


@cache
def _runs(channels: int) -> bool:
    cell = torch.ones(1, 1, channels, device="cuda")
    try:
        nearest_cells(cell, cell)
        torch.cuda.synchronize()
    except (torch.OutOfMemoryError, torch.AcceleratorError):
        raise
    except Exception as error:  # noqa: BLE001 - errors of a compiler, of a linker, and of Triton have no common class
        _log.warning(
            "the fused kernel does not run here for %d channels, and mutual matches are counted exactly and slowly: %r",
            channels,
            error,
        )
        return False
    return True


@cache
def _kernel() -> Any:
    """Import the kernel when it is first needed, because machines without a GPU lack Triton."""
    from model.gpu_kernels import nearest_kernel  # noqa: PLC0415

    return nearest_kernel
