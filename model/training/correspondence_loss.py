"""A loss of correspondences: each mutual match shall stand out among all cells of the other picture.

Not the paper's: Eq. 10 asks only that a positive matches more alike than a negative, which features that are all alike
fulfil nearly as well. Here a cell has to tell its match from the other 3720 cells, in both directions.
"""

import torch.nn.functional as F
from torch import Tensor

from model.matching import MutualMatches

MOST_PAIRS = 512  # more of them say the same again, and cost as much as all the rest of a step


def correspondence_loss(query: Tensor, positive: Tensor, matches: MutualMatches, *, temperature: float) -> Tensor:
    """The mean cross-entropy of finding the mutual match of a cell by dot product, of both directions.

    Of many matches 512 take part, evenly spread over the query's cells.

    Args:
        query: ``(N, C)`` local features of length 1.
        positive: ``(M, C)``.
        matches: Which cells match.
        temperature: τ that the dot products are divided by.

    Returns:
        A scalar.
    """
    step = -(-len(matches) // MOST_PAIRS)  # rounded up
    query_cells, positive_cells = matches.query_cells[::step], matches.candidate_cells[::step]
    to_positive = query[query_cells] @ positive.T / temperature  # (n, M)
    to_query = positive[positive_cells] @ query.T / temperature  # (n, N)
    return (F.cross_entropy(to_positive, positive_cells) + F.cross_entropy(to_query, query_cells)) / 2
