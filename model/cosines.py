"""Cosines of matching cells, and the floor below which a match does not count.

A floor is compared with the cosine, which is the dot product divided by both lengths, and not with the dot product
alone: rounding to float16 changes a feature's length, and codes (``model.codes``) have a length of their own.
"""

import torch
from torch import Tensor

from model.errors import InvalidInput

_PAIRS_TOGETHER = 8192  # 8 MB in each of three temporary tensors for 128 channels


def pair_cosines(query: Tensor, candidate: Tensor, query_cells: Tensor, candidate_cells: Tensor) -> Tensor:
    """Return the cosine of each pair of cells.

    Only the pairs are read: for n of them 3 · n · C products, where finding them took L · M · C.

    Args:
        query: ``(L, C)`` features of any float type, or codes, int8.
        candidate: ``(M, C)`` features or codes, on the same device.
        query_cells: ``(n,)`` int64, rows of the query.
        candidate_cells: ``(n,)`` int64, rows of the candidate.

    Returns:
        ``(n,)`` float64, in [-1, 1] but for the last bit; 0 where a feature is all 0.
    """
    cosines = torch.empty(len(query_cells), dtype=torch.float64, device=query.device)
    for start in range(0, len(query_cells), _PAIRS_TOGETHER):
        some = slice(start, start + _PAIRS_TOGETHER)
        one, other = query[query_cells[some]].double(), candidate[candidate_cells[some]].double()
        # Squares of float32 neither leave the range of float64 nor vanish in it, and nor do products of two such sums.
        lengths = (one.square().sum(dim=1) * other.square().sum(dim=1)).sqrt_()
        cosines[some] = (one * other).sum(dim=1) / torch.where(lengths > 0, lengths, 1.0)
    return cosines


def checked_floor(floor: float | None) -> float | None:
    """Return a floor as matchers take it: None where it shuts nothing out.

    A floor of -1 becomes None: the last bit of a cosine shall not decide whether that admits all.

    Args:
        floor: The least cosine of a match that counts, or None.

    Raises:
        InvalidInput: It is outside of [-1, 1], or not a number.
    """
    if floor is None or floor == -1:
        return None
    if not -1 < floor <= 1:
        raise InvalidInput(
            f"the floor of mutual matches is {floor}: it is the least cosine of a match that counts, so give a number "
            "from -1 to 1, or none to count every mutual match"
        )
    return float(floor)
