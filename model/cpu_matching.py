"""Nearest cells and counts of mutual matches in 16-bit integers, by kernels that are compiled for the CPU.

The features of each picture are multiplied by a power of two, so that the longest has a norm of at most 32,700, and
rounded: features of length 1 get 14 fractional bits. A product of two features then fits exactly into 32 bits. The
codes of a map (``model.codes``) are not turned into features first: each cell is scaled to the length 32,700 directly.
Scores are integers, and ties are broken as in ``model.matching``, so counts are equal on every CPU with a kernel.

A floor is compared with the cosine of the rounded features, computed from a score and two squared lengths in integers.
Rounding changes each number of a feature of length 1 by at most 2⁻¹⁵, and a cosine of C channels by at most √C · 2⁻¹⁴;
``tests/model/test_cpu_matching.py`` allows 0.0002. The nominal lengths instead of the rounded ones would give a larger
error.

``tests/model/test_cpu_matching.py`` compares the kernels with plain products, and ``tests/model/test_fast_matching.py``
with ``model.matching``.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from model.codes import as_features

if TYPE_CHECKING:  # LLVM may be missing and is loaded with the first match
    from model.cpu_kernels.compiled import Kernels
    from model.cpu_kernels.rounding import FeatureType

_MOST_CHANNELS = 16_384  # with more channels, rounding errors could lead beyond 16 bits
_CHANNELS_TOGETHER = 8  # the kernels' numbers of channels and values are multiples of it
_KINDS: "dict[torch.dtype, FeatureType]" = {
    torch.float32: "float32",
    torch.float16: "float16",
    torch.int8: "int8",
}


def instructions() -> str | None:
    """Return the instruction set of this machine's kernels in words; None if there are no kernels."""
    kernels = _kernels()
    return None if kernels is None else kernels.tile.instructions


def can_count(channels: int) -> bool:
    """Return whether this machine has kernels for a number of channels."""
    return channels <= _MOST_CHANNELS and _kernels() is not None


def count_in_int16(
    query: Tensor, candidates: Tensor, floor: float | None = None, *, kernels: "Kernels | None" = None
) -> Tensor:
    """Count the mutual nearest neighbours of a query with each of K candidates (Eq. 8).

    torch's number of threads share the candidates.

    Args:
        query: ``(L, C)`` local features or codes on the CPU, L at least 1.
        candidates: ``(K, M, C)`` local features or codes, M at least 1; float32, float16 and int8 are read as they are.
        floor: The least cosine of a pair that counts, in [-1, 1]; None counts all.
        kernels: Kernels with another tile than this machine's best.

    Returns:
        ``(K,)`` int64.
    """
    kernels = kernels or _kernels()
    assert kernels is not None  # noqa: S101  (can_count has said so)
    query, candidates = _with_whole_vectors(as_features(query)), _with_whole_vectors(_readable(candidates))
    panels, cells = _Panels.of(query, kernels), candidates.shape[1]
    count = kernels.count[_KINDS[candidates.dtype]]
    taken, counts = np.zeros(1, np.int64), np.empty(len(candidates), np.int64)

    def work() -> None:
        memory = _Memory.of(panels, candidates, kernels)
        squares = np.empty(len(memory.numbers), np.int32)
        count(
            *panels.arguments,
            panels.squares.ctypes.data,
            candidates.data_ptr(),
            len(candidates),
            *(cells, candidates.shape[2], len(memory.numbers)),
            -math.inf if floor is None else floor,
            *memory.arguments,
            squares.ctypes.data,
            taken.ctypes.data,
            counts.ctypes.data,
        )

    _in_threads(work, len(candidates))
    return torch.from_numpy(counts)


def nearest_in_int16(queries: Tensor, candidates: Tensor, kernels: "Kernels | None" = None) -> tuple[Tensor, Tensor]:
    """Find the nearest cells of pairs of pictures, in both directions.

    Args:
        queries: ``(P, L, C)`` local features or codes on the CPU, L at least 1.
        candidates: ``(P, M, C)`` local features or codes, M at least 1.
        kernels: Kernels with another tile than this machine's best.

    Returns:
        The nearest cell of the candidate for each cell of the query, ``(P, L)`` int64, and the nearest cell of the
        query for each cell of the candidate, ``(P, M)``; the first if several are equally near.
    """
    kernels = kernels or _kernels()
    assert kernels is not None  # noqa: S101  (can_count has said so)
    queries, candidates = _with_whole_vectors(as_features(queries)), _with_whole_vectors(_readable(candidates))
    to_candidate = np.empty(queries.shape[:2], np.int64)
    to_query = np.empty(candidates.shape[:2], np.int64)

    find, cells = kernels.find[_KINDS[candidates.dtype]], candidates.shape[1]
    pairs = iter(range(len(queries)))  # shared: each thread takes the next pair

    def work() -> None:
        for pair in pairs:
            panels = _Panels.of(queries[pair], kernels)
            memory = _Memory.of(panels, candidates, kernels)
            shapes = cells, candidates.shape[2], len(memory.numbers)
            find(*panels.arguments, candidates[pair].data_ptr(), *shapes, *memory.arguments)
            to_candidate[pair] = memory.nearest_candidate[: queries.shape[1]]
            to_query[pair] = memory.nearest_query[:cells]

    _in_threads(work, len(queries))
    return torch.from_numpy(to_candidate), torch.from_numpy(to_query)


def _in_threads(work: Callable[[], None], count: int) -> None:
    """Run work that takes its items from a common counter in torch's number of threads, including the caller's.

    Args:
        work: A function that returns when no item is left.
        count: The number of items.
    """
    others = [_pool().submit(work) for _ in range(1, max(1, min(torch.get_num_threads(), count)))]
    work()
    for each in others:
        if not each.cancel():  # nothing is left for a thread that has not started
            each.result()


@dataclass(frozen=True)
class _Panels:
    """Hold a query in the layout that the kernel reads.

    Attributes:
        numbers: ``(panels, C / 2, columns, 2)`` int16; copies of the first cell fill up the last panel.
        squares: ``(panels · columns,)`` int32, the squared length of each cell.
    """

    numbers: Tensor
    squares: NDArray[np.int32]

    @classmethod
    def of(cls, query: Tensor, kernels: "Kernels") -> Self:
        """Round ``(L, C)`` float32."""
        columns, channels = kernels.tile.columns, query.shape[1]
        cells = _filled_up(len(query), columns)
        numbers = np.empty((cells, channels), np.int16)
        kernels.round["float32"](query.data_ptr(), *query.shape, numbers.ctypes.data)
        numbers[len(query) :] = numbers[0]  # if scores are equal the first wins, so a copy never wins
        squares = np.empty(cells, np.int32)  # like scores, squared lengths fit into 32 bits
        kernels.squares(numbers.ctypes.data, *numbers.shape, squares.ctypes.data)
        panels = torch.from_numpy(numbers).view(cells // columns, columns, channels // 2, 2)
        return cls(panels.transpose(1, 2).contiguous(), squares)

    @property
    def arguments(self) -> tuple[int, int]:
        """Return the arguments of the kernels: the address and the number of panels."""
        return self.numbers.data_ptr(), len(self.numbers)


@dataclass(frozen=True)
class _Memory:
    """Hold the memory of one thread: 1 MB for 3721 cells of 128 channels.

    Attributes:
        numbers: ``(rows, C)`` int16, a candidate in the form that the kernel reads; at least M rows.
        best: ``(rows,)``, the score of each cell of the candidate with its nearest cell.
        nearest_query: ``(rows,)``, the nearest cell of the query for each cell of the candidate.
        nearest_candidate: ``(at least L,)``, the nearest cell of the candidate for each cell of the query.
    """

    numbers: NDArray[np.int16]
    best: NDArray[np.int32]
    nearest_query: NDArray[np.int32]
    nearest_candidate: NDArray[np.int32]

    @classmethod
    def of(cls, query: _Panels, candidates: Tensor, kernels: "Kernels") -> Self:
        """Make the memory for a query and candidates ``(K, M, C)``."""
        rows = _filled_up(candidates.shape[1], kernels.tile.rows)
        return cls(
            numbers=np.empty((rows, candidates.shape[2]), np.int16),
            best=np.empty(rows, np.int32),
            nearest_query=np.empty(rows, np.int32),
            nearest_candidate=np.empty(len(query.squares), np.int32),
        )

    @property
    def arguments(self) -> tuple[int, ...]:
        """Return the addresses, in the order of the kernels' arguments."""
        return tuple(each.ctypes.data for each in (self.numbers, self.best, self.nearest_query, self.nearest_candidate))


def _readable(candidates: Tensor) -> Tensor:
    """Return features of a type that the kernels read, or codes; other types are converted to float32."""
    return candidates if candidates.dtype in _KINDS else candidates.float()


def _with_whole_vectors(features: Tensor) -> Tensor:
    """Return contiguous features, padded with zero channels to whole vectors; copy only if necessary."""
    spare = -features.shape[-1] % _CHANNELS_TOGETHER if features.shape[-1] else _CHANNELS_TOGETHER
    return (pad(features, (0, spare)) if spare else features).contiguous()


def _filled_up(count: int, size: int) -> int:
    return count + -count % size


@cache
def _kernels() -> "Kernels | None":
    """Return the kernels with the best tile; None without LLVM, or on a CPU without the instructions."""
    try:
        from model.cpu_kernels.compiled import host_tile, kernels_for  # noqa: PLC0415
    except ImportError:
        return None
    tile = host_tile()
    return None if tile is None else kernels_for(tile)


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the threads for all shares but the caller's; they start when they are needed."""
    return ThreadPoolExecutor(thread_name_prefix="match")
