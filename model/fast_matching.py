"""Counts of mutual nearest neighbours with fewer bits, in a fraction of the time.

On a CPU, features are rounded to whole numbers, of 16 bits where there are kernels for the processor
(``model.cpu_matching``), else of fourteen (``model.int8_matching``). On a GPU, they are rounded to float16, and their
products are summed in float32.

Ties are broken as in ``model.matching``, but rounding makes and unmakes some, and turns near ties over. With 61 × 61
cells of 128 channels that differ well, counts of 500 to 3700 differ from the exact ones by 2 at most, on a CPU as on a
GPU. Where cells are nearly the same, they differ by more: with the demo's network, counts of 625 by 2 on average and 10
at most (docs/results.md). ``tests/model/test_fast_matching.py`` states what is allowed.
"""

import torch
from torch import Tensor

from model import cpu_matching
from model.codes import as_features
from model.gpu_matching import can_fuse, nearest_cells
from model.int8_matching import count_in_int8, scaled

_MAX_SCORES_BYTES = 900_000_000  # on a GPU
_FUSED_TOGETHER = 32  # candidates on a GPU, which fill it: 30 MB as float16 for 3721 cells of 128 channels


@torch.no_grad()
def count_fast(query: Tensor, candidates: Tensor) -> Tensor:
    """Counts the mutual nearest neighbours of a query with each of K candidates (Eq. 8), approximately.

    Args:
        query: ``(L, C)`` local features or codes, L at least 1.
        candidates: ``(K, M, C)`` local features or codes on the same device, M at least 1.

    Returns:
        ``(K,)`` int64 on the device of the input.

    Raises:
        InvalidInput: More channels than 32 bits have room for, on a CPU.
    """
    if not query.is_cuda:
        can_count = cpu_matching.can_count(query.shape[1])
        return (cpu_matching.count_in_int16 if can_count else count_in_int8)(query, candidates)
    return (_count_fused if _is_fused(query.shape[1]) else _count_in_float16)(query, candidates)


def fast_matcher(device: torch.device, channels: int) -> str:
    """What ``count_fast`` counts with on a device, and in which numbers: ``avx-512-int16``, ``triton-float16``, …

    Args:
        device: Of the features.
        channels: C.
    """
    if device.type == "cuda":
        return "triton-float16" if _is_fused(channels) else "torch-float16"
    if cpu_matching.can_count(channels):
        return f"{cpu_matching.instructions()}-int16".lower()
    return "torch-int8"


def _is_fused(channels: int) -> bool:
    return channels % 16 == 0 and can_fuse()


def _count_fused(query: Tensor, candidates: Tensor) -> Tensor:
    cells = torch.arange(len(query), device=query.device)
    queries = scaled(query, 1.0)[None].half()
    counts = []
    for start in range(0, len(candidates), _FUSED_TOGETHER):
        to_candidates, to_query = nearest_cells(queries, _as_float16(candidates[start : start + _FUSED_TOGETHER]))
        counts.append((to_query.gather(1, to_candidates) == cells).sum(dim=1))
    return torch.cat(counts) if counts else torch.empty(0, dtype=torch.int64, device=query.device)


def _as_float16(candidates: Tensor) -> Tensor:
    """Features as float16; what a map holds, of length 1, needs no scale."""
    if candidates.dtype in (torch.float16, torch.int8):
        return as_features(candidates, torch.float16)
    return scaled(candidates, 1.0).half()


def _count_in_float16(query: Tensor, candidates: Tensor) -> Tensor:
    rows, columns = len(query), candidates.shape[1]
    together = max(1, _MAX_SCORES_BYTES // (4 * rows * columns))
    rounded = scaled(query, 1.0).half()
    cells = torch.arange(rows, device=query.device)
    counts = []
    for start in range(0, len(candidates), together):
        chunk = candidates[start : start + together]
        transposed = scaled(chunk, 1.0).half().transpose(1, 2)
        scores = torch.bmm(rounded.expand(len(chunk), -1, -1), transposed, out_dtype=torch.float32)  # (k, L, M)
        nearest_in_candidate, nearest_in_query = scores.argmax(dim=2), scores.argmax(dim=1)
        counts.append((nearest_in_query.gather(1, nearest_in_candidate) == cells).sum(dim=1))
        del scores  # before the next ones are made
    return torch.cat(counts) if counts else torch.empty(0, dtype=torch.int64, device=query.device)
