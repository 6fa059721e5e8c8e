"""A loss of correspondences: each mutual match shall stand out among all cells of the other picture.

Not the paper's: Eq. 10 asks only that a positive matches more alike than a negative, which features that are all alike
fulfil nearly as well. Here a cell has to tell its match from the other 3720 cells, in both directions.
"""

import torch.nn.functional as F
from torch import Tensor

from model.matching import find_mutual_matches


def correspondence_loss(query: Tensor, positive: Tensor, *, temperature: float) -> Tensor:
    """The mean cross-entropy of finding the mutual match of a cell by dot product, of both directions.

    Which cells match is found without gradient, as in Eq. 10.

    Args:
        query: ``(N, C)`` local features of length 1.
        positive: ``(M, C)``.
        temperature: τ that the dot products are divided by.

    Returns:
        A scalar.
    """
    matches = find_mutual_matches(query.detach(), positive.detach())
    to_positive = query[matches.query_cells] @ positive.T / temperature  # (n, M)
    to_query = positive[matches.candidate_cells] @ query.T / temperature  # (n, N)
    there = F.cross_entropy(to_positive, matches.candidate_cells)
    back = F.cross_entropy(to_query, matches.query_cells)
    return (there + back) / 2
