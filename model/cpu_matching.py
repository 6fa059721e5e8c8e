"""Nearest cells and counts of mutual matches in whole numbers, by kernels that are compiled for the CPU.

The features of each picture are multiplied by a power of two, so that the longest has a norm of at most 32,700, and
rounded to 16 bits: features of length 1 get 14 fractional bits. The codes of a map (``model.codes``) are multiplied as
they are. A product of two cells then fits exactly into 32 bits. Where scores of several cells of a candidate are
compared, each is divided by the length of its codes in float32, with a relative error of at most 5 · 2⁻²⁴. Ties are
broken as in ``model.matching``, so counts are equal on every CPU with a kernel, with AMX and without.

A floor is compared with the cosine of the rounded features or codes, computed from a score and two squared lengths in
integers. Rounding changes each number of a feature of length 1 by at most 2⁻¹⁵, and a cosine of C channels by at most
√C · 2⁻¹⁴; ``tests/model/test_cpu_matching.py`` allows 0.0002. The nominal lengths instead of the rounded ones would
give a larger error.

``tests/model/test_cpu_matching.py`` compares the kernels with plain products, and ``tests/model/test_fast_matching.py``
with ``model.matching``.
"""

import logging
import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from model.codes import as_features
from model.cpu_operands import Memory, Panels
from model.team import call_in_team

if TYPE_CHECKING:  # LLVM may be missing and is loaded with the first match
    from model.cpu_kernels.compiled import Kernels
    from model.cpu_kernels.rounding import FeatureType
    from model.cpu_kernels.tiles import AnyTile

_log = logging.getLogger("placefix.model")

_MOST_CHANNELS = 16_384  # with more channels, rounding errors could lead beyond 16 bits
_KINDS: "dict[torch.dtype, FeatureType]" = {
    torch.float32: "float32",
    torch.float16: "float16",
    torch.int8: "int8",
}


def kernel_name() -> str | None:
    """Return the instructions and numbers that count codes on this machine; None if there are no kernels."""
    kernels = _kernels()
    return None if kernels is None else kernels.names["int8"]


def can_count(channels: int) -> bool:
    """Return whether this machine has kernels for a number of channels."""
    return channels <= _MOST_CHANNELS and _kernels() is not None


def count_in_int16(
    query: Tensor, candidates: Tensor, floor: float | None = None, *, kernels: "Kernels | None" = None
) -> Tensor:
    """Count the mutual nearest neighbours of a query with each of K candidates (Eq. 8).

    torch's number of threads share the candidates, or the cells of the query if there are more threads.

    Args:
        query: ``(L, C)`` local features or codes on the CPU, L at least 1.
        candidates: ``(K, M, C)`` local features or codes, M at least 1; float32, float16 and int8 are read as they are.
        floor: The least cosine of a pair that counts, in [-1, 1]; None counts all.
        kernels: Other kernels than this machine's best.

    Returns:
        ``(K,)`` int64.
    """
    kernels = kernels or _kernels()
    assert kernels is not None  # noqa: S101  (can_count has said so)
    candidates = _readable(candidates)
    kind = _KINDS[candidates.dtype]
    query, candidates = (_with_whole_vectors(each, kernels.tiles[kind]) for each in (as_features(query), candidates))
    panels, counts = Panels.of(query, kernels, kind), np.empty(len(candidates), np.int64)
    least = -math.inf if floor is None else floor
    if len(candidates) < torch.get_num_threads():
        for number, candidate in enumerate(candidates):
            found = _find_together(panels, candidate, kernels, kind)
            cells = found.nearest_query, found.nearest_candidate, found.best, panels.squares, found.squares
            counts[number] = kernels.count_above(*(each.data_ptr() for each in cells), len(candidate), least)
        return torch.from_numpy(counts)
    taken = np.zeros(1, np.int64)

    def work() -> None:
        memory = Memory.of(panels, candidates[0], kernels.tiles[kind])
        kernels.count[kind](
            *panels.arguments,
            panels.squares.data_ptr(),
            candidates.data_ptr(),
            *candidates.shape,
            len(memory.numbers),
            least,
            *memory.arguments,
            taken.ctypes.data,
            counts.ctypes.data,
        )

    call_in_team(work)
    return torch.from_numpy(counts)


def nearest_in_int16(queries: Tensor, candidates: Tensor, kernels: "Kernels | None" = None) -> tuple[Tensor, Tensor]:
    """Find the nearest cells of pairs of pictures, in both directions.

    Args:
        queries: ``(P, L, C)`` local features or codes on the CPU, L at least 1.
        candidates: ``(P, M, C)`` local features or codes, M at least 1.
        kernels: Other kernels than this machine's best.

    Returns:
        The nearest cell of the candidate for each cell of the query, ``(P, L)`` int64, and the nearest cell of the
        query for each cell of the candidate, ``(P, M)``; the first if several are equally near.
    """
    kernels = kernels or _kernels()
    assert kernels is not None  # noqa: S101  (can_count has said so)
    candidates = _readable(candidates)
    kind = _KINDS[candidates.dtype]
    queries, candidates = (
        _with_whole_vectors(each, kernels.tiles[kind]) for each in (as_features(queries), candidates)
    )
    to_candidate = np.empty(queries.shape[:2], np.int64)
    to_query = np.empty(candidates.shape[:2], np.int64)

    def find(pair: int, one_pair: Callable[..., Memory]) -> None:
        found = one_pair(Panels.of(queries[pair], kernels, kind), candidates[pair], kernels, kind)
        to_candidate[pair] = found.nearest_candidate[: queries.shape[1]]
        to_query[pair] = found.nearest_query[: candidates.shape[1]]

    if len(queries) < torch.get_num_threads():
        for pair in range(len(queries)):
            find(pair, _find_together)
    else:
        pairs = iter(range(len(queries)))  # shared: each thread takes the next pair

        def work() -> None:
            for pair in pairs:
                find(pair, _find)

        call_in_team(work)
    return torch.from_numpy(to_candidate), torch.from_numpy(to_query)


def _find(panels: Panels, candidate: Tensor, kernels: "Kernels", kind: "FeatureType") -> Memory:
    """Find the nearest cells of a query and a candidate ``(M, C)`` in this thread."""
    memory = Memory.of(panels, candidate, kernels.tiles[kind])
    shapes = *candidate.shape, len(memory.numbers)
    kernels.find[kind](*panels.arguments, candidate.data_ptr(), *shapes, *memory.arguments)
    return memory


def _find_together(panels: Panels, candidate: Tensor, kernels: "Kernels", kind: "FeatureType") -> Memory:
    """Find the nearest cells of a query and a candidate ``(M, C)`` in all threads, each with a share of the query."""
    shares = panels.shares(torch.get_num_threads())
    found: list[Memory | None] = [None] * len(shares)
    numbers = iter(range(len(shares)))  # shared: each thread takes the next share

    def work() -> None:
        for number in numbers:
            found[number] = _find(shares[number], candidate, kernels, kind)

    call_in_team(work)
    return Memory.joined([each for each in found if each is not None])


def _readable(candidates: Tensor) -> Tensor:
    """Return features of a type that the kernels read, or codes; other types are converted to float32."""
    return candidates if candidates.dtype in _KINDS else candidates.float()


def _with_whole_vectors(features: Tensor, tile: "AnyTile") -> Tensor:
    """Return contiguous features, padded with zero channels to whole vectors; copy only if necessary."""
    together = tile.channels_together
    spare = -features.shape[-1] % together if features.shape[-1] else together
    return (pad(features, (0, spare)) if spare else features).contiguous()


@cache
def _kernels() -> "Kernels | None":
    """Return the best kernels for this machine; None without LLVM, or on a CPU without the instructions.

    The kernels with AMX have to pass a trial. It runs in this process: LLVM asks the processor and what the operating
    system saves of it, and Linux has permitted the tiles, so an instruction that does not exist is not to be expected,
    and a trial in another process would delay every start by a second.
    """
    try:
        from model.cpu_kernels.compiled import host_amx_tile, host_tile, kernels_for  # noqa: PLC0415
    except ImportError:
        return None
    tile = host_tile()
    if tile is None:
        return None
    amx = host_amx_tile()
    if amx is None:
        return kernels_for(tile)
    kernels = kernels_for(tile, amx)
    if (wrong := wrong_cells(kernels)) == 0:
        return kernels
    proven = kernels_for(tile)
    _log.warning(
        "%s finds %d of 270 nearest cells otherwise than plain products in a trial; %s counts codes instead",
        *(kernels.names["int8"], wrong, proven.names["int8"]),
    )
    return proven


def wrong_cells(kernels: "Kernels") -> int:
    """Return how many nearest cells, in both directions, kernels find otherwise than plain products of whole numbers.

    Args:
        kernels: The kernels; 120 cells of codes are tried with 150 of a query.
    """
    rng = np.random.default_rng(0)
    query = rng.integers(-2200, 2201, (150, 200))  # so long that the kernels multiply it by 1
    codes = rng.integers(-127, 128, (120, 200))
    scores = query @ codes.T
    weights = np.float32(1) / np.sqrt((codes**2).sum(axis=1).astype(np.float32))
    expected = (scores.astype(np.float32) * weights).argmax(axis=1), scores.argmax(axis=0)
    stored = torch.from_numpy(codes.astype(np.int8))
    found = nearest_in_int16(torch.from_numpy(query.astype(np.float32))[None], stored[None], kernels)
    return sum(int((one[0].numpy() != other).sum()) for one, other in zip(found, expected, strict=True))
