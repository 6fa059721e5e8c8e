"""Counts of mutual nearest neighbours on any CPU, by torch's products of eight bits: where there are no kernels for it.

Features are rounded to whole numbers of fourteen bits, with one scale for each picture. Each is written as
64 × coarse + fine, both of eight bits, which processors multiply fastest; of the four products, that of the two fine
parts is left out. Scores are whole numbers, so that counts are the same on every machine, and leave room: a score and
the row that it belongs to fit into one number of 32 bits, whose maximum over a column is the score *and* the first row
that has it.
"""

from dataclasses import dataclass
from math import floor, log2

import torch
from torch import Tensor
from torch.nn.functional import pad

from model.codes import as_features
from model.errors import InvalidInput

_LARGEST = 127  # of eight bits, of both signs
_FINE = 64  # steps between two coarse numbers
_MAX_BLOCK_BITS = 8  # of the number of a row in its block: 256 rows, 3.8 MB of scores for 3721 columns


@dataclass(frozen=True)
class _Rounded:
    """The features of a picture as whole numbers, ``64 × coarse + fine``.

    Attributes:
        coarse: ``(N, C)`` int8; channels of zeros fill C up to a multiple of 4.
        fine: ``(N, C)`` int8, from -32 to 32.
        norm: The greatest Euclidean norm of a feature, in whole numbers.
    """

    coarse: Tensor
    fine: Tensor
    norm: float

    @classmethod
    def of(cls, features: Tensor) -> "_Rounded":
        """Rounds ``(N, C)``."""
        # torch._int_mm gives wrong products for a single channel; channels that are zero change none.
        numbers = scaled(pad(features, (0, -features.shape[1] % 4)), _FINE * _LARGEST).round_()
        coarse = (numbers / _FINE).round_()
        fine = numbers - coarse * _FINE
        norm = float(torch.linalg.vector_norm(numbers, dim=1).max())
        return cls(coarse.to(torch.int8), fine.to(torch.int8), norm)


def count_in_int8(query: Tensor, candidates: Tensor) -> Tensor:
    """Counts the mutual nearest neighbours of a query with each of K candidates (Eq. 8).

    Args:
        query: ``(L, C)`` local features or codes on the CPU, L at least 1.
        candidates: ``(K, M, C)`` local features or codes, M at least 1.

    Returns:
        ``(K,)`` int64.

    Raises:
        InvalidInput: More channels than 32 bits have room for.
    """
    rounded = _Rounded.of(query)
    buffers = torch.empty(2, (1 << _MAX_BLOCK_BITS) * candidates.shape[1], dtype=torch.int32)
    counts = torch.empty(len(candidates), dtype=torch.int64)
    for index, candidate in enumerate(candidates):
        counts[index] = _count_rounded(rounded, _Rounded.of(candidate), buffers)
    return counts


def _count_rounded(query: _Rounded, candidate: _Rounded, buffers: Tensor) -> Tensor:
    """Counts the mutual nearest neighbours of two pictures, as a scalar, block by block of the query's rows.

    Args:
        query: ``(L, C)``.
        candidate: ``(M, C)``.
        buffers: ``(2, n)`` int32, n at least M × 256.
    """
    rows, columns, channels = len(query.coarse), len(candidate.coarse), query.coarse.shape[1]
    # By the inequality of Cauchy and Schwarz, and the product that is left out.
    largest_score = query.norm * candidate.norm / _FINE + channels * _FINE / 4 + 1
    bits = min(_MAX_BLOCK_BITS, floor(log2(2**31 / largest_score)))
    if bits < 0:
        raise InvalidInput(f"{channels} channels are too many for precision fast: match them with precision exact")
    block_rows = 1 << bits
    scores_buffer, mixed_buffer = (buffer[: block_rows * columns].view(block_rows, columns) for buffer in buffers)
    coarse = candidate.coarse.T
    mixed_query = torch.cat([query.coarse, query.fine], dim=1)
    mixed_candidate = torch.cat([candidate.fine, candidate.coarse], dim=1).T
    # Of equal scores the first row shall have the largest number.
    places = torch.arange(block_rows - 1, -1, -1, dtype=torch.int32)[:, None]
    nearest_in_candidate = torch.empty(rows, dtype=torch.int64)
    best = torch.full((columns,), -(2**31), dtype=torch.int32)
    nearest_in_query = torch.zeros(columns, dtype=torch.int32)
    for start in range(0, rows, block_rows):
        block = slice(start, start + block_rows)
        count = len(query.coarse[block])
        scores = torch._int_mm(query.coarse[block], coarse, out=scores_buffer[:count])
        mixed = torch._int_mm(mixed_query[block], mixed_candidate, out=mixed_buffer[:count])
        torch.add(mixed, scores, alpha=_FINE, out=scores)
        # Of equal ones the first; argmax says the same, more slowly.
        nearest_in_candidate[block] = scores.max(dim=1).indices
        maxima = torch.add(places[:count], scores, alpha=block_rows, out=scores).amax(dim=0)
        best_here = maxima >> bits
        rows_here = start + block_rows - 1 - (maxima & (block_rows - 1))
        is_better = best_here > best
        nearest_in_query = torch.where(is_better, rows_here, nearest_in_query)
        best = torch.where(is_better, best_here, best)
    return (nearest_in_query[nearest_in_candidate] == torch.arange(rows)).sum()


def scaled(features: Tensor, largest: float) -> Tensor:
    """Features or codes of a picture ``(..., N, C)`` so that its largest number is ``largest``, as float32.

    A common factor changes no order of the products.
    """
    features = as_features(features)
    reached = features.abs().amax(dim=(-2, -1), keepdim=True)
    return features * torch.where(reached > 0, largest / reached, 1.0)
