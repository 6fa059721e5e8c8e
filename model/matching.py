"""Mutual nearest neighbours between the local features of two pictures, and their count (paper, Eq. 7 and 8).

Two local features match if each is the other's nearest by dot product. The count of such pairs is the score of a
candidate in re-ranking: no ratio test, no geometry, and in the paper no threshold.

A *floor* is such a threshold: with one, only those pairs count whose cosine is at least that. It does not change which
cells are each other's nearest.
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

# Rows of a score matrix that a CPU looks at while they are in its cache: 7.6 MB for 3721 columns.
_BLOCK_ROWS = 512


@dataclass(frozen=True)
class MutualMatches:
    """The mutual nearest neighbours of two pictures.

    Attributes:
        query_cells: ``(n,)`` int64, ascending; cells of the query in row-major order.
        candidate_cells: ``(n,)`` int64; the matching cells of the candidate.
    """

    query_cells: Tensor
    candidate_cells: Tensor

    def __len__(self) -> int:
        return len(self.query_cells)


@torch.no_grad()  # which cells match is no differentiable function
def find_mutual_matches(
    query: Tensor, candidate: Tensor, *, precision: MatchingPrecision = "exact", floor: float | None = None
) -> MutualMatches:
    """The mutual nearest neighbours of two pictures (Eq. 7).

    Of equal similarities the first cell is the nearest. Without a floor, one pair at least always exists.

    Args:
        query: ``(L, C)`` local features, or codes (``model.codes``).
        candidate: ``(M, C)`` local features or codes, on the same device.
        precision: As of ``count_mutual_matches``, whose count is the number of these pairs.
        floor: The least cosine of a pair, in [-1, 1]; None takes all.

    Returns:
        The pairs, in the order of the query's cells. The (L, M) score matrix is the only large thing in memory.

    Raises:
        InvalidInput: Shapes or devices that do not go together, an unknown precision, or an impossible floor.
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


@torch.no_grad()  # a count has no gradient, and the buffer could not have one
def count_mutual_matches(
    query: Tensor, candidates: Tensor, *, precision: MatchingPrecision = "exact", floor: float | None = None
) -> Tensor:
    """Counts the mutual nearest neighbours of a query with each of K candidates (Eq. 8).

    The candidates are taken one after the other, and on a CPU the scores of each in blocks of rows. Memory holds 7 MB
    of them for 3721 × 3721 cells, and 55 MB on a GPU, where all at once would be 5.5 GB for 100 candidates.

    Exactly one mutual match counts as 1, as Eq. 8 says (the reference implementation says 0).

    Args:
        query: ``(L, C)`` local features, or codes (``model.codes``).
        candidates: ``(K, M, C)`` local features or codes on the same device; they are raised to float32.
        precision: ``exact`` multiplies in float32; ``fast`` in less, where there is a kernel for that
            (``model.fast_matching`` says how counts differ).
        floor: The least cosine of a pair that counts, in [-1, 1]; None and -1 count all. Cosines are those of
            ``model.cosines``; the kernels for the CPU round features first (``model.cpu_matching`` says how much that
            moves a cosine).

    Returns:
        ``(K,)`` int64 on the device of the input.

    Raises:
        InvalidInput: Shapes or devices that do not go together, an unknown precision, or an impossible floor.
    """
    floor = _checked(query, candidates, precision, floor)
    if not query.shape[0] or not candidates.shape[1]:
        return torch.zeros(len(candidates), dtype=torch.int64, device=query.device)
    if fast := _fast_matcher(query.device, query.shape[1], precision):
        return fast.count(query, candidates, floor)
    features = as_features(query)
    blocks = _blocks(features)
    # One buffer for all candidates: fresh memory for each would cost more than the arithmetic.
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
    """What counts mutual matches there, and in which numbers: ``torch-float32``, ``avx-512-int16``, …

    Args:
        device: Of the features.
        channels: C.
        precision: Asked for.
    """
    fast = _fast_matcher(device, channels, precision)
    return "torch-float32" if fast is None else fast.name


def counts_hundreds_a_second(device: torch.device, channels: int, precision: MatchingPrecision) -> bool:
    """Return whether a whole shortlist of 100 candidates of 3721 cells is a matter of less than a second there."""
    return device.type == "cuda" or _fast_matcher(device, channels, precision) is not None


def _fast_matcher(device: torch.device, channels: int, precision: MatchingPrecision) -> FastMatcher | None:
    return find_fast_matcher(device, channels) if precision == "fast" else None


def _checked(query: Tensor, candidates: Tensor, precision: MatchingPrecision, floor: float | None) -> float | None:
    """Return the floor as matchers take it.

    Raises:
        InvalidInput: As ``count_mutual_matches`` says.
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
    """The pairs among ``(L,)`` cells of the query."""
    query_cells = is_mutual.nonzero()[:, 0]
    return MutualMatches(query_cells, nearest_in_candidate[query_cells])


def _reaching(floor: float, query: Tensor, candidate: Tensor, matches: MutualMatches) -> MutualMatches:
    """Those pairs whose cosine is at least the floor."""
    reach = pair_cosines(query, candidate, matches.query_cells, matches.candidate_cells) >= floor
    return MutualMatches(matches.query_cells[reach], matches.candidate_cells[reach])


def _match_exactly(query: Tensor, candidate: Tensor, blocks: list[range], buffer: Tensor) -> tuple[Tensor, Tensor]:
    """Matches two pictures, block by block of the query's rows.

    The first index of each column's maximum is slow to find, because columns do not lie together in memory; its value
    is fast. So inside a block a pair is mutual if the maximum of its row equals the maximum of its column. That is the
    definition as long as no column has its maximum twice; where one has, the indices decide. Of the blocks, that one
    owns a column which has reached its maximum first.

    Returns:
        For each cell of the query ``(L,)`` its nearest cell of the candidate, int64, and whether it is that one's.
    """
    nearest = torch.empty(len(query), dtype=torch.int64, device=query.device)
    is_mutual_in_block = torch.empty(len(query), dtype=torch.bool, device=query.device)
    column_maxima = buffer.new_full((len(candidate),), -torch.inf)
    owners = torch.zeros_like(column_maxima, dtype=torch.int64)
    for number, block in enumerate(blocks):
        rows = slice(block.start, block.stop)
        scores = torch.mm(query[rows], candidate.T, out=buffer[: len(block)])
        row_maxima, nearest[rows] = scores.max(dim=1)  # of equal ones the first
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
    """Blocks of nearly the same length: a short rest might go to another kernel, which rounds differently."""
    rows = len(query)
    longest = _BLOCK_ROWS if query.device.type == "cpu" else rows
    count = -(-rows // longest)
    bounds = [rows * number // count for number in range(count + 1)]
    return [range(start, stop) for start, stop in pairwise(bounds)]


def _is_mutual(nearest_in_candidate: Tensor, nearest_in_query: Tensor) -> Tensor:
    """For each cell of the query ``(L,)``, whether its nearest cell of the candidate has it as its own nearest."""
    cells = torch.arange(len(nearest_in_candidate), device=nearest_in_candidate.device)
    return nearest_in_query[nearest_in_candidate] == cells
