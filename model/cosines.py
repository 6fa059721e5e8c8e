"""Cosines of matching cells, and the floor below which a match does not count.

A floor is compared with the cosine: the dot product divided by both lengths. The dot product alone would not do,
because rounding to float16 changes a feature's length, and codes (``model.codes``) have other lengths.
"""

import torch
from torch import Tensor

from model.errors import InvalidInput

_PAIRS_TOGETHER = 8192  # 8 MB in each of three temporary tensors for 128 channels


def pair_cosines(query: Tensor, candidate: Tensor, query_cells: Tensor, candidate_cells: Tensor) -> Tensor:
    """Return the cosine of each pair of cells.

    Only the pairs are read: n pairs take 3 · n · C products, while the search for them took L · M · C.

    Args:
        query: ``(L, C)`` features of any float type, or codes, int8.
        candidate: ``(M, C)`` features or codes, on the same device.
        query_cells: ``(n,)`` int64, rows of the query.
        candidate_cells: ``(n,)`` int64, rows of the candidate.

    Returns:
        ``(n,)`` float64, in [-1, 1] except for the last bit; 0 if a feature is all 0.
    """
    cosines = torch.empty(len(query_cells), dtype=torch.float64, device=query.device)
    for start in range(0, len(query_cells), _PAIRS_TOGETHER):
        some = slice(start, start + _PAIRS_TOGETHER)
        one, other = query[query_cells[some]].double(), candidate[candidate_cells[some]].double()
        # float64 can represent squares of float32, and products of two sums of them, without overflow or underflow.
        lengths = (one.square().sum(dim=1) * other.square().sum(dim=1)).sqrt_()
        cosines[some] = (one * other).sum(dim=1) / torch.where(lengths > 0, lengths, 1.0)
    return cosines


def checked_floor(floor: float | None) -> float | None:
    """Return a floor in the form that matchers take: None if it admits every match.

    A floor of -1 becomes None, so that the last bit of a cosine cannot exclude a match.

    Args:
        floor: The least cosine of a match that counts, or None.

    Raises:
        InvalidInput: The floor is outside of [-1, 1], or not a number.
    """
    if floor is None or floor == -1:
        return None
    if not -1 < floor <= 1:
        raise InvalidInput(
            f"the floor of mutual matches is {floor}: it is the least cosine of a match that counts, so give a number "
            "from -1 to 1, or none to count every mutual match"
        )
    return float(floor)
