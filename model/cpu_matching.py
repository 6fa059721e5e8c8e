"""Nearest cells, and counts of mutual ones, in whole numbers of 16 bits, by kernels that are made for the processor.

Each picture's features are multiplied by a power of two, so that the longest has a norm of at most 32,700, and rounded:
features of length 1 get 14 bits behind the point. A product of two of them then fits into 32 bits, exactly. The codes
of a map (``model.codes``) are not made features first: those of each cell get the length 32,700 at once. Scores are
whole numbers, and ties are broken as in ``model.matching``, so counts are the same on every processor with a kernel.

A floor is compared with the cosine of the rounded features: a score and two squared lengths, all whole numbers.
Rounding moves each number of a feature of length 1 by at most 2⁻¹⁵, and so a cosine of C channels by at most √C · 2⁻¹⁴;
``tests/model/test_cpu_matching.py`` allows 0.0002. With the lengths that features ought to have it would be more.

Held to products that are written out by ``tests/model/test_cpu_matching.py``, and to ``model.matching`` by
``tests/model/test_fast_matching.py``.
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

if TYPE_CHECKING:  # LLVM is loaded when the first picture is matched, and may be missing
    from model.cpu_kernels.compiled import Kernels
    from model.cpu_kernels.rounding import FeatureType

_GREATEST_NORM = 32_700  # below 2**15, with room for what rounding adds to a norm
_MOST_CHANNELS = 16_384  # with more, rounding could add more than that
_CHANNELS_TOGETHER = 8  # of which the kernels' numbers of channels and values are multiples
_KINDS: "dict[torch.dtype, FeatureType]" = {torch.float32: "float32", torch.float16: "float16"}


def instructions() -> str | None:
    """What the kernels of this machine are made of, in words; None if it has none."""
    kernels = _kernels()
    return None if kernels is None else kernels.tile.instructions


def can_count(channels: int) -> bool:
    """Whether there are kernels for this machine, and for so many channels."""
    return channels <= _MOST_CHANNELS and _kernels() is not None


def count_in_int16(
    query: Tensor, candidates: Tensor, floor: float | None = None, *, kernels: "Kernels | None" = None
) -> Tensor:
    """Counts the mutual nearest neighbours of a query with each of K candidates (Eq. 8).

    As many threads as torch may use take the candidates in turn.

    Args:
        query: ``(L, C)`` local features or codes on the CPU, L at least 1.
        candidates: ``(K, M, C)`` local features or codes, M at least 1; float32, float16 and int8 are read as they are.
        floor: The least cosine of those that count, in [-1, 1]; None counts all.
        kernels: Those of another tile than this machine's best.

    Returns:
        ``(K,)`` int64.
    """
    kernels = kernels or _kernels()
    assert kernels is not None  # noqa: S101  (can_count has said so)
    query, candidates = _with_whole_vectors(as_features(query)), _with_whole_vectors(_readable(candidates))
    counter = _Counter(kernels, _Panels.of(query, kernels), candidates.shape[1])
    counts = np.empty(
        len(candidates), np.int64
    )  # not torch's: its modes, like that of inference, are each thread's own
    _share_out(lambda share: counter.count(candidates, share, floor, counts), len(candidates))
    return torch.from_numpy(counts)


def nearest_in_int16(queries: Tensor, candidates: Tensor, kernels: "Kernels | None" = None) -> tuple[Tensor, Tensor]:
    """Finds the nearest cells of pairs of pictures, both ways.

    Args:
        queries: ``(P, L, C)`` local features or codes on the CPU, L at least 1.
        candidates: ``(P, M, C)`` local features or codes, M at least 1.
        kernels: Those of another tile than this machine's best.

    Returns:
        Which cell of the candidate is nearest to each of the query, ``(P, L)`` int64; and which of the query is nearest
        to each of the candidate, ``(P, M)``. Of equally near ones the first.
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
    """Does some of it in as many threads as torch may use, each every so many; the caller's is one of them."""
    threads = max(1, min(torch.get_num_threads(), count))
    shares = [range(first, count, threads) for first in range(threads)]
    others = [_pool().submit(work, share) for share in shares[1:]]
    work(shares[0])
    for each in others:
        each.result()


@dataclass(frozen=True)
class _Panels:
    """A query as the kernel reads it.

    Attributes:
        numbers: ``(panels, C / 2, columns, 2)`` int16; copies of the first cell fill up the last panel.
        squares: ``(panels · columns,)`` int32, the squared length of each cell.
    """

    numbers: Tensor
    squares: NDArray[np.int32]

    @classmethod
    def of(cls, query: Tensor, kernels: "Kernels") -> "_Panels":
        """Rounds ``(L, C)`` float32."""
        columns, channels = kernels.tile.columns, query.shape[1]
        cells = _filled_up(len(query), columns)
        numbers = np.empty((cells, channels), np.int16)
        _round(kernels, query, numbers)
        panels = torch.from_numpy(numbers).view(cells // columns, columns, channels // 2, 2)
        return cls(panels.transpose(1, 2).contiguous(), _squares(kernels, numbers))


class _Nearest(NamedTuple):
    """Hold the nearest cells of a pair of pictures, as the kernel has found them.

    Attributes:
        query: ``(at least M,)``, to each cell of the candidate the nearest of the query.
        candidate: ``(at least L,)``, to each cell of the query the nearest of the candidate.
        best: ``(at least M,)``, the score of each cell of the candidate with its nearest.
        numbers: ``(at least M, C)`` int16, the candidate as the kernel read it.
    """

    query: NDArray[np.int32]
    candidate: NDArray[np.int32]
    best: NDArray[np.int32]
    numbers: NDArray[np.int16]


class _Counter:
    """Counts for one query; threads share it.

    Args:
        kernels: Of this machine.
        query: To be compared with.
        cells: Of each candidate, M.
    """

    def __init__(self, kernels: "Kernels", query: _Panels, cells: int) -> None:
        self._kernels = kernels
        self._query = query
        self._cells = cells

    def count(self, candidates: Tensor, share: Sequence[int], floor: float | None, counts: NDArray[np.int64]) -> None:
        """Counts for some candidates.

        Args:
            candidates: ``(K, M, C)``, contiguous.
            share: Which of them.
            floor: The least cosine of those that count; None counts all.
            counts: ``(K,)`` int64, written at these places.
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
        """Finds nearest cells, with memory of its own: 1 MB for 3721 cells of 128 channels.

        Args:
            candidates: ``(K, M, C)``, contiguous.
            share: Which of them.

        Yields:
            Which candidate, and what was found; it is overwritten by the next.
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
    """Squared lengths ``(N,)`` of rounded features ``(N, C)``; like scores they fit into 32 bits."""
    squares = np.empty(len(numbers), np.int32)
    kernels.squares(numbers.ctypes.data, *numbers.shape, squares.ctypes.data)
    return squares


def _readable(candidates: Tensor) -> Tensor:
    """Features of a type that the kernels read, or codes; raised to float32 only if they must be."""
    return candidates if candidates.dtype in _KINDS or candidates.dtype is torch.int8 else candidates.float()


def _round(kernels: "Kernels", features: Tensor, numbers: NDArray[np.int16]) -> None:
    """Rounds ``(N, C)`` to the first N rows of ``(at least N, C)``, and fills the others with copies of the first.

    Of equal scores the first wins, so a copy never does.
    """
    if features.dtype is torch.int8:
        kernels.round_codes(features.data_ptr(), *features.shape, _GREATEST_NORM, numbers.ctypes.data)
    else:
        kind = _KINDS[features.dtype]
        square = kernels.greatest_square[kind](features.data_ptr(), *features.shape)
        kernels.round[kind](features.data_ptr(), features.numel(), _factor(square), numbers.ctypes.data)
    numbers[len(features) :] = numbers[0]


def _factor(greatest_square: float) -> float:
    """The greatest power of two that keeps a norm within 16 bits; a common factor changes no order of the products."""
    if not greatest_square > 0:
        return 1.0
    exponent = math.floor(math.log2(_GREATEST_NORM) - math.log2(greatest_square) / 2)
    return float(2.0 ** min(max(exponent, -126), 127))  # what float32 holds


def _with_whole_vectors(features: Tensor) -> Tensor:
    """Contiguous, and with channels of zeros where the kernels' vectors need more; copied only if it must be."""
    spare = -features.shape[-1] % _CHANNELS_TOGETHER if features.shape[-1] else _CHANNELS_TOGETHER
    return (pad(features, (0, spare)) if spare else features).contiguous()


def _filled_up(count: int, size: int) -> int:
    return count + -count % size


@cache
def _kernels() -> "Kernels | None":
    """Those of the best tile; None where LLVM is not installed, or the processor has none of the instructions."""
    try:
        from model.cpu_kernels.compiled import host_tile, kernels_for  # noqa: PLC0415
    except ImportError:
        return None
    tile = host_tile()
    return None if tile is None else kernels_for(tile)


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads for all but the caller's share; they are started when they are needed."""
    return ThreadPoolExecutor(thread_name_prefix="match")
