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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from model.codes import as_features

if TYPE_CHECKING:  # LLVM may be missing and is loaded with the first match
    from model.cpu_kernels.compiled import Kernels
    from model.cpu_kernels.rounding import FeatureType

_GREATEST_NORM = 32_700  # below 2**15, with room for the rounding error of a norm
_MOST_CHANNELS = 16_384  # with more channels, the rounding error could exceed that room
_CHANNELS_TOGETHER = 8  # the kernels' numbers of channels and values are multiples of it
_KINDS: "dict[torch.dtype, FeatureType]" = {torch.float32: "float32", torch.float16: "float16"}


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
    counter = _Counter(kernels, _Panels.of(query, kernels), candidates.shape[1])
    counts = np.empty(len(candidates), np.int64)  # torch's modes, such as inference mode, belong to each thread
    _share_out(lambda share: counter.count(candidates, share, floor, counts), len(candidates))
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

    def find(share: Sequence[int]) -> None:
        for pair in share:
            counter = _Counter(kernels, _Panels.of(queries[pair], kernels), candidates.shape[1])
            for _, found in counter.nearest(candidates, [pair]):
                to_candidate[pair] = found.candidate[: queries.shape[1]]
                to_query[pair] = found.query[: candidates.shape[1]]

    _share_out(find, len(queries))
    return torch.from_numpy(to_candidate), torch.from_numpy(to_query)


def _share_out(work: Callable[[Sequence[int]], None], count: int) -> None:
    """Share work among torch's number of threads, including the caller's; each takes every n-th item."""
    threads = max(1, min(torch.get_num_threads(), count))
    shares = [range(first, count, threads) for first in range(threads)]
    others = [_pool().submit(work, share) for share in shares[1:]]
    work(shares[0])
    for each in others:
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
    def of(cls, query: Tensor, kernels: "Kernels") -> "_Panels":
        """Round ``(L, C)`` float32."""
        columns, channels = kernels.tile.columns, query.shape[1]
        cells = _filled_up(len(query), columns)
        numbers = np.empty((cells, channels), np.int16)
        _round(kernels, query, numbers)
        panels = torch.from_numpy(numbers).view(cells // columns, columns, channels // 2, 2)
        return cls(panels.transpose(1, 2).contiguous(), _squares(kernels, numbers))


class _Nearest(NamedTuple):
    """Hold the nearest cells of a pair of pictures, as found by the kernel.

    Attributes:
        query: ``(at least M,)``, the nearest cell of the query for each cell of the candidate.
        candidate: ``(at least L,)``, the nearest cell of the candidate for each cell of the query.
        best: ``(at least M,)``, the score of each cell of the candidate with its nearest cell.
        numbers: ``(at least M, C)`` int16, the candidate in the form that the kernel reads.
    """

    query: NDArray[np.int32]
    candidate: NDArray[np.int32]
    best: NDArray[np.int32]
    numbers: NDArray[np.int16]


class _Counter:
    """Count mutual matches for one query; threads share it.

    Args:
        kernels: The kernels of this machine.
        query: The query.
        cells: M, the cells of each candidate.
    """

    def __init__(self, kernels: "Kernels", query: _Panels, cells: int) -> None:
        self._kernels = kernels
        self._query = query
        self._cells = cells

    def count(self, candidates: Tensor, share: Sequence[int], floor: float | None, counts: NDArray[np.int64]) -> None:
        """Count mutual matches for some candidates.

        Args:
            candidates: ``(K, M, C)``, contiguous.
            share: The candidates to count.
            floor: The least cosine of a pair that counts; None counts all.
            counts: ``(K,)`` int64; the counts are written to the places of ``share``.
        """
        for index, found in self.nearest(candidates, share):
            cells = found.query.ctypes.data, found.candidate.ctypes.data
            if floor is None:
                counts[index] = self._kernels.count_mutual(*cells, self._cells)
            else:
                squares = _squares(self._kernels, found.numbers)
                lengths = self._query.squares.ctypes.data, squares.ctypes.data
                counts[index] = self._kernels.count_mutual_above(
                    *cells, found.best.ctypes.data, *lengths, self._cells, floor
                )

    def nearest(self, candidates: Tensor, share: Sequence[int]) -> Iterator[tuple[int, _Nearest]]:
        """Find nearest cells, with its own memory: 1 MB for 3721 cells of 128 channels.

        Args:
            candidates: ``(K, M, C)``, contiguous.
            share: The candidates to search.

        Yields:
            The number of a candidate, and its nearest cells; the next candidate overwrites them.
        """
        panels, _, columns, _ = self._query.numbers.shape
        rows = _filled_up(self._cells, self._kernels.tile.rows)
        found = _Nearest(
            query=np.empty(rows, np.int32),
            candidate=np.empty(panels * columns, np.int32),
            best=np.empty(rows, np.int32),
            numbers=np.empty((rows, candidates.shape[2]), np.int16),
        )
        for index in share:
            _round(self._kernels, candidates[index], found.numbers)
            found.best.fill(np.iinfo(np.int32).min)
            self._kernels.nearest(
                self._query.numbers.data_ptr(),
                panels,
                found.numbers.ctypes.data,
                rows,
                found.numbers.shape[1],
                found.best.ctypes.data,
                found.query.ctypes.data,
                found.candidate.ctypes.data,
            )
            yield index, found


def _squares(kernels: "Kernels", numbers: NDArray[np.int16]) -> NDArray[np.int32]:
    """Return the squared lengths ``(N,)`` of rounded features ``(N, C)``; like scores, they fit into 32 bits."""
    squares = np.empty(len(numbers), np.int32)
    kernels.squares(numbers.ctypes.data, *numbers.shape, squares.ctypes.data)
    return squares


def _readable(candidates: Tensor) -> Tensor:
    """Return features of a type that the kernels read, or codes; other types are converted to float32."""
    return candidates if candidates.dtype in _KINDS or candidates.dtype is torch.int8 else candidates.float()


def _round(kernels: "Kernels", features: Tensor, numbers: NDArray[np.int16]) -> None:
    """Round ``(N, C)`` to the first N rows of ``(at least N, C)``, and fill the other rows with copies of the first.

    If scores are equal the first wins, so a copy never wins.
    """
    if features.dtype is torch.int8:
        kernels.round_codes(features.data_ptr(), *features.shape, _GREATEST_NORM, numbers.ctypes.data)
    else:
        kind = _KINDS[features.dtype]
        square = kernels.greatest_square[kind](features.data_ptr(), *features.shape)
        kernels.round[kind](features.data_ptr(), features.numel(), _factor(square), numbers.ctypes.data)
    numbers[len(features) :] = numbers[0]


def _factor(greatest_square: float) -> float:
    """Return the greatest power of two that keeps a norm within 16 bits; one factor for all keeps the order of
    products.
    """
    if not greatest_square > 0:
        return 1.0
    exponent = math.floor(math.log2(_GREATEST_NORM) - math.log2(greatest_square) / 2)
    return float(2.0 ** min(max(exponent, -126), 127))  # the range of float32


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
