"""Approximate counts of mutual nearest neighbours by fast kernels, where there is one for the device.

On a CPU, features are rounded to 16-bit integers, and codes are kept (``model.cpu_matching``). On a GPU, both are
rounded to float16, and their products are summed in float32 (``model.gpu_matching``). On a CPU without AVX2, and on a
GPU for which Triton does not compile, ``model.matching`` counts exactly.

Ties are broken as in ``model.matching``, but rounding creates and removes ties, and reverses near ties. With 61 × 61
cells of 128 channels that differ well, counts of 500 to 3700 differ from the exact ones by 2 at most, on a CPU and on a
GPU. Where cells are nearly equal, counts differ by more: with the demo's network, counts of 625 differ by 2 on average
and 10 at most (docs/book/results.md). ``tests/model/test_fast_matching.py`` states the limits.

A GPU compares a floor with cosines of the original features, a CPU with cosines of the rounded ones.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from model import cpu_matching
from model.codes import as_features
from model.cosines import pair_cosines
from model.gpu_matching import can_fuse, nearest_cells

_FUSED_TOGETHER = 32  # candidates that fill a GPU: 30 MB as float16 for 3721 cells of 128 channels


@dataclass(frozen=True)
class FastMatcher:
    """Count the mutual nearest neighbours of a query with each of K candidates (Eq. 8), approximately.

    Attributes:
        name: The instructions and type of numbers of the kernel: ``avx-512-int16``, ``triton-float16``, … On a CPU with
            AMX it is ``amx-int8``, which is the kernel of codes; features are counted by that of AVX-512.
        count: Takes ``(L, C)`` and ``(K, M, C)`` local features or codes on one device, L and M at least 1, and the
            floor of ``model.matching`` in [-1, 1], or None; returns ``(K,)`` int64 on that device.
        nearest: Takes ``(1, L, C)`` and ``(1, M, C)`` local features or codes on one device; returns the nearest cell
            of the candidate for each cell of the query, ``(1, L)`` int64, and the nearest cell of the query for each
            cell of the candidate, ``(1, M)`` int64.
    """

    name: str
    count: Callable[[Tensor, Tensor, float | None], Tensor]
    nearest: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def find_fast_matcher(device: torch.device, channels: int) -> FastMatcher | None:
    """Return the fast matcher of a device; None if only exact matching is possible.

    Args:
        device: The device of the features.
        channels: C.
    """
    if device.type == "cuda":
        return FastMatcher("triton-float16", count_fused, nearest_fused) if can_fuse(channels) else None
    name = cpu_matching.kernel_name()
    if name is not None and cpu_matching.can_count(channels):
        return FastMatcher(name, cpu_matching.count_in_int16, cpu_matching.nearest_in_int16)
    return None


def count_fused(query: Tensor, candidates: Tensor, floor: float | None = None) -> Tensor:
    """Count by the fused kernel; see ``FastMatcher.count``."""
    cells = torch.arange(len(query), device=query.device)
    queries = _scaled(query)[None].half()
    counts = []
    for start in range(0, len(candidates), _FUSED_TOGETHER):
        some = candidates[start : start + _FUSED_TOGETHER]
        to_candidates, to_query = nearest_cells(queries, _as_float16(some))
        is_mutual = to_query.gather(1, to_candidates) == cells
        if floor is not None:
            pictures, query_cells = is_mutual.nonzero(as_tuple=True)
            candidate_cells = pictures * some.shape[1] + to_candidates[pictures, query_cells]
            cosines = pair_cosines(query, some.flatten(0, 1), query_cells, candidate_cells)
            is_mutual[pictures, query_cells] = cosines >= floor
        counts.append(is_mutual.sum(dim=1))
    return torch.cat(counts) if counts else torch.empty(0, dtype=torch.int64, device=query.device)


def nearest_fused(query: Tensor, candidate: Tensor) -> tuple[Tensor, Tensor]:
    """Find by the fused kernel; see ``FastMatcher.nearest``."""
    return nearest_cells(_scaled(query).half(), _as_float16(candidate))


def _as_float16(candidates: Tensor) -> Tensor:
    """Return features as float16; features of a map have length 1 and need no scale."""
    if candidates.dtype in (torch.float16, torch.int8):
        return as_features(candidates, torch.float16)
    return _scaled(candidates).half()


def _scaled(features: Tensor) -> Tensor:
    """Return features or codes of a picture ``(..., N, C)``, scaled so that the largest number is 1, as float32.

    A common factor keeps the order of the products.
    """
    features = as_features(features)
    reached = features.abs().amax(dim=(-2, -1), keepdim=True)
    return features * torch.where(reached > 0, 1 / reached, 1.0)
