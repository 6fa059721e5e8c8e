"""Counts of mutual nearest neighbours with fewer bits, in a fraction of the time.

On a CPU, features are rounded to whole numbers of eight bits, -127 to 127, with one scale for each picture. Products
are whole numbers, so that counts are the same on every machine, and leave room: a score and the row that it belongs to
fit into one number of 32 bits, whose maximum over a column is the score *and* the first row that has it. On a GPU,
features are rounded to float16, and products are summed in float32.

Ties are broken as in ``model.matching``, but rounding makes and unmakes some, and turns near ties over. With 61 × 61
cells, counts on a CPU differ from the exact ones by about 0.5 % between independent pictures; where neighbouring cells
are nearly alike they come out lower, by 3.5 % with 128 smooth channels and by 4 to 6 % with 32 channels of a small
trained network. On a GPU they differ by 1 of 3700. ``tests/model/test_fast_matching.py`` states what is allowed.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from model.errors import InvalidInput

_LARGEST = 127  # of eight bits, of both signs
_MAX_BLOCK_BITS = 8  # of the number of a row in its block: 256 rows, 3.8 MB of scores for 3721 columns
_MAX_SCORES_BYTES = 900_000_000  # on a GPU


@torch.no_grad()
def count_fast(query: Tensor, candidates: Tensor) -> Tensor:
    """Counts the mutual nearest neighbours of a query with each of K candidates (Eq. 8), approximately.

    Args:
        query: ``(L, C)`` local features, L at least 1.
        candidates: ``(K, M, C)`` local features on the same device, M at least 1.

    Returns:
        ``(K,)`` int64 on the device of the input.

    Raises:
        InvalidInput: More channels than 32 bits have room for, on a CPU.
    """
    return _count_in_float16(query, candidates) if query.is_cuda else _count_in_int8(query, candidates)


def _count_in_int8(query: Tensor, candidates: Tensor) -> Tensor:
    channels, columns = query.shape[1], candidates.shape[1]
    largest_score = channels * _LARGEST**2
    if largest_score >= 2**31:
        raise InvalidInput(f"{channels} channels are too many for precision fast: match them with precision exact")
    bits = _MAX_BLOCK_BITS
    while (largest_score + 1) << bits > 2**31:
        bits -= 1
    block_rows = 1 << bits
    rounded = _in_int8(query)
    buffer = torch.empty(block_rows, columns, dtype=torch.int32)
    # Of equal scores the first row shall have the largest number.
    places = torch.arange(block_rows - 1, -1, -1, dtype=torch.int32)[:, None]
    nearest_in_candidate = torch.empty(len(query), dtype=torch.int64)
    cells = torch.arange(len(query))
    counts = torch.empty(len(candidates), dtype=torch.int64)
    for index, candidate in enumerate(candidates):
        transposed = _in_int8(candidate).T
        best = torch.full((columns,), -(2**31), dtype=torch.int32)
        nearest_in_query = torch.zeros(columns, dtype=torch.int32)
        for start in range(0, len(query), block_rows):
            block = rounded[start : start + block_rows]
            scores = torch._int_mm(block, transposed, out=buffer[: len(block)])
            # Of equal ones the first; argmax says the same, more slowly.
            nearest_in_candidate[start : start + block_rows] = scores.max(dim=1).indices
            maxima = torch.add(places[: len(block)], scores, alpha=block_rows, out=scores).amax(dim=0)
            best_here = maxima >> bits
            rows_here = start + block_rows - 1 - (maxima & (block_rows - 1))
            is_better = best_here > best
            nearest_in_query = torch.where(is_better, rows_here, nearest_in_query)
            best = torch.where(is_better, best_here, best)
        counts[index] = (nearest_in_query[nearest_in_candidate] == cells).sum()
    return counts


def _count_in_float16(query: Tensor, candidates: Tensor) -> Tensor:
    rows, columns = len(query), candidates.shape[1]
    together = max(1, _MAX_SCORES_BYTES // (4 * rows * columns))
    rounded = _scaled(query, 1.0).half()
    cells = torch.arange(rows, device=query.device)
    counts = []
    for start in range(0, len(candidates), together):
        chunk = candidates[start : start + together]
        transposed = _scaled(chunk, 1.0).half().transpose(1, 2)
        scores = torch.bmm(rounded.expand(len(chunk), -1, -1), transposed, out_dtype=torch.float32)  # (k, L, M)
        nearest_in_candidate, nearest_in_query = scores.argmax(dim=2), scores.argmax(dim=1)
        counts.append((nearest_in_query.gather(1, nearest_in_candidate) == cells).sum(dim=1))
        del scores  # before the next ones are made
    return torch.cat(counts) if counts else torch.empty(0, dtype=torch.int64, device=query.device)


def _in_int8(features: Tensor) -> Tensor:
    rounded = _scaled(features, float(_LARGEST)).round_().to(torch.int8)
    # torch._int_mm gives wrong products for a single channel; channels that are zero change none.
    return pad(rounded, (0, -rounded.shape[1] % 4))


def _scaled(features: Tensor, largest: float) -> Tensor:
    """Features of a picture ``(..., N, C)`` so that the largest number of the picture is ``largest``, as float32.

    A common factor changes no order of the products.
    """
    features = features.float()
    reached = features.abs().amax(dim=(-2, -1), keepdim=True)
    return features * torch.where(reached > 0, largest / reached, 1.0)
