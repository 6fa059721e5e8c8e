"""Mutual nearest neighbours between the local features of two pictures, and their count (paper, Eq. 7 and 8).

Two local features match if each is the other's nearest by dot product. The count of these pairs is the score of a
candidate in re-ranking, without a ratio test, geometry or, in the paper, a threshold.

A *floor* is a threshold: only pairs with at least this cosine count. It does not change which cells are nearest.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from model.codes import as_features
from model.cosines import checked_floor, pair_cosines
from model.errors import InvalidInput
from model.fast_matching import FastMatcher, find_fast_matcher

MatchingPrecision = Literal["exact", "fast"]
MATCHING_PRECISIONS: tuple[MatchingPrecision, ...] = ("exact", "fast")

# Rows of a score matrix that a CPU processes while they are in its cache: 7.6 MB for 3721 columns.
_BLOCK_ROWS = 512


@dataclass(frozen=True)
class MutualMatches:
    """Hold the mutual nearest neighbours of two pictures.

    Attributes:
        query_cells: ``(n,)`` int64, ascending; cells of the query in row-major order.
        candidate_cells: ``(n,)`` int64; the matching cells of the candidate.
    """

    query_cells: Tensor
    candidate_cells: Tensor

    def __len__(self) -> int:
        return len(self.query_cells)


@torch.no_grad()  # the matches are not differentiable
def find_mutual_matches(
    query: Tensor, candidate: Tensor, *, precision: MatchingPrecision = "exact", floor: float | None = None
) -> MutualMatches:
    """Find the mutual nearest neighbours of two pictures (Eq. 7).

    If similarities are equal, the first cell is the nearest. Without a floor, at least one pair always exists.

    Args:
        query: ``(L, C)`` local features, or codes (``model.codes``).
        candidate: ``(M, C)`` local features or codes, on the same device.
        precision: The same as in ``count_mutual_matches``, which returns the number of these pairs.
        floor: The least cosine of a pair, in [-1, 1]; None returns all pairs.

    Returns:
        The pairs, in the order of the query's cells. Only the (L, M) score matrix takes much memory.

    Raises:
        InvalidInput: Shapes or devices do not fit together, the precision is unknown, or the floor is out of range.
    """
    floor = _checked(query, candidate[None], precision, floor)
    if not len(query) or not len(candidate):
        none = torch.empty(0, dtype=torch.int64, device=query.device)
        return MutualMatches(none, none)
    if fast := _fast_matcher(query.device, query.shape[1], precision):
        [to_candidate], [to_query] = fast.nearest(query[None], candidate[None])
        found = _pairs(to_candidate, _is_mutual(to_candidate, to_query))
    else:
        blocks = _blocks(query)
        buffer = torch.empty(max(map(len, blocks)), len(candidate), dtype=torch.float32, device=query.device)
        found = _pairs(*_match_exactly(as_features(query), as_features(candidate), blocks, buffer))
    return found if floor is None else _reaching(floor, query, candidate, found)


@torch.no_grad()  # neither a count nor the buffer has a gradient
def count_mutual_matches(
    query: Tensor, candidates: Tensor, *, precision: MatchingPrecision = "exact", floor: float | None = None
) -> Tensor:
    """Count the mutual nearest neighbours of a query with each of K candidates (Eq. 8).

    The candidates are processed one after the other; a CPU processes their scores in blocks of rows. For 3721 × 3721
    cells the scores take 7 MB of memory on a CPU and 55 MB on a GPU; 100 candidates at once would take 5.5 GB.

    Exactly one mutual match counts as 1, as Eq. 8 says (the reference implementation says 0).

    Args:
        query: ``(L, C)`` local features, or codes (``model.codes``).
        candidates: ``(K, M, C)`` local features or codes on the same device; they are raised to float32.
        precision: ``exact`` multiplies in float32; ``fast`` uses fewer bits if there is a kernel for them
            (``model.fast_matching`` says how counts differ).
        floor: The least cosine of a pair that counts, in [-1, 1]; None and -1 count all. ``model.cosines`` defines the
            cosine; the kernels for the CPU round features first (``model.cpu_matching`` says how much that changes a
            cosine).

    Returns:
        ``(K,)`` int64 on the device of the input.

    Raises:
        InvalidInput: Shapes or devices do not fit together, the precision is unknown, or the floor is out of range.
    """
    floor = _checked(query, candidates, precision, floor)
    if not query.shape[0] or not candidates.shape[1]:
        return torch.zeros(len(candidates), dtype=torch.int64, device=query.device)
    if fast := _fast_matcher(query.device, query.shape[1], precision):
        return fast.count(query, candidates, floor)
    features = as_features(query)
    blocks = _blocks(features)
    # All candidates share one buffer: new memory for each would cost more than the arithmetic.
    longest = max(len(block) for block in blocks)
    buffer = torch.empty(longest, candidates.shape[1], dtype=torch.float32, device=query.device)
    counts = torch.empty(len(candidates), dtype=torch.int64, device=query.device)
    for index, candidate in enumerate(candidates):
        nearest, is_mutual = _match_exactly(features, as_features(candidate), blocks, buffer)
        if floor is None:
            counts[index] = is_mutual.sum()
        else:
            counts[index] = len(_reaching(floor, query, candidate, _pairs(nearest, is_mutual)))
    return counts


def matcher_name(device: torch.device, channels: int, precision: MatchingPrecision) -> str:
    """Return the name of the matcher on a device, with its type of numbers: ``torch-float32``, ``avx-512-int16``, …

    Args:
        device: The device of the features.
        channels: C.
        precision: The precision that the caller requests.
    """
    fast = _fast_matcher(device, channels, precision)
    return "torch-float32" if fast is None else fast.name


def counts_hundreds_a_second(device: torch.device, channels: int, precision: MatchingPrecision) -> bool:
    """Return whether a shortlist of 100 candidates of 3721 cells takes less than a second on a device."""
    return device.type == "cuda" or _fast_matcher(device, channels, precision) is not None


def _fast_matcher(device: torch.device, channels: int, precision: MatchingPrecision) -> FastMatcher | None:
    return find_fast_matcher(device, channels) if precision == "fast" else None


def _checked(query: Tensor, candidates: Tensor, precision: MatchingPrecision, floor: float | None) -> float | None:
    """Return the floor in the form that matchers take.

    Raises:
        InvalidInput: See ``count_mutual_matches``.
    """
    if precision not in MATCHING_PRECISIONS:
        raise InvalidInput(f"precision {precision!r} is not known; known: {', '.join(MATCHING_PRECISIONS)}")
    if query.ndim != 2 or candidates.ndim != 3 or query.shape[1] != candidates.shape[2]:
        raise InvalidInput(
            f"local features must be (L, C) and (K, M, C), not {tuple(query.shape)} and {tuple(candidates.shape)}"
        )
    if query.device != candidates.device:
        raise InvalidInput(f"the query is on {query.device}, the candidates on {candidates.device}")
    return checked_floor(floor)


def _pairs(nearest_in_candidate: Tensor, is_mutual: Tensor) -> MutualMatches:
    """Return the pairs for ``(L,)`` cells of the query."""
    query_cells = is_mutual.nonzero()[:, 0]
    return MutualMatches(query_cells, nearest_in_candidate[query_cells])


def _reaching(floor: float, query: Tensor, candidate: Tensor, matches: MutualMatches) -> MutualMatches:
    """Return the pairs with at least the cosine of the floor."""
    reach = pair_cosines(query, candidate, matches.query_cells, matches.candidate_cells) >= floor
    return MutualMatches(matches.query_cells[reach], matches.candidate_cells[reach])


def _match_exactly(query: Tensor, candidate: Tensor, blocks: list[range], buffer: Tensor) -> tuple[Tensor, Tensor]:
    """Match two pictures, block by block of the query's rows.

    The value of a column's maximum is fast to find; its first index is slow, because a column is not contiguous in
    memory. Inside a block, a pair is therefore mutual if the maximum of its row equals the maximum of its column. This
    equals the definition unless a column has its maximum twice; then the indices decide. A column belongs to the first
    block that reaches the maximum of the column.

    Returns:
        The nearest cell of the candidate for each cell of the query, ``(L,)`` int64, and whether the two are mutual,
        ``(L,)``.
    """
    nearest = torch.empty(len(query), dtype=torch.int64, device=query.device)
    is_mutual_in_block = torch.empty(len(query), dtype=torch.bool, device=query.device)
    column_maxima = buffer.new_full((len(candidate),), -torch.inf)
    owners = torch.zeros_like(column_maxima, dtype=torch.int64)
    for number, block in enumerate(blocks):
        rows = slice(block.start, block.stop)
        scores = torch.mm(query[rows], candidate.T, out=buffer[: len(block)])
        row_maxima, nearest[rows] = scores.max(dim=1)  # the first of equal ones
        maxima = scores.amax(dim=0)
        if int(torch.count_nonzero(scores == maxima)) == len(candidate):
            is_mutual_in_block[rows] = row_maxima == maxima[nearest[rows]]
        else:
            is_mutual_in_block[rows] = _is_mutual(nearest[rows], scores.argmax(dim=0))
        owners[maxima > column_maxima] = number
        torch.maximum(column_maxima, maxima, out=column_maxima)
    lengths = torch.tensor([len(block) for block in blocks], device=query.device)
    numbers = torch.arange(len(blocks), device=query.device).repeat_interleave(lengths)
    return nearest, is_mutual_in_block & (owners[nearest] == numbers)


def _blocks(query: Tensor) -> list[range]:
    """Return blocks of nearly equal length: a short rest might use another kernel, which rounds differently."""
    rows = len(query)
    longest = _BLOCK_ROWS if query.device.type == "cpu" else rows
    count = -(-rows // longest)
    bounds = [rows * number // count for number in range(count + 1)]
    return [range(start, stop) for start, stop in pairwise(bounds)]


def _is_mutual(nearest_in_candidate: Tensor, nearest_in_query: Tensor) -> Tensor:
    """Return for each cell of the query ``(L,)`` whether it is the nearest cell of its nearest cell."""
    cells = torch.arange(len(nearest_in_candidate), device=nearest_in_candidate.device)
    return nearest_in_query[nearest_in_candidate] == cells
