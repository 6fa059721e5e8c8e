"""A loss of correspondences: each mutual match must stand out among all cells of the other picture.

This loss is not in the paper. Eq. 10 only requires a greater similarity for a positive than for a negative, and nearly
equal features fulfil it almost as well. Here a cell must distinguish its match from the other 3720 cells, in both
directions.
"""

import torch.nn.functional as F
from torch import Tensor

from model.matching import MutualMatches

MOST_PAIRS = 512  # more matches would add little, and cost as much as the rest of a step


def correspondence_loss(query: Tensor, positive: Tensor, matches: MutualMatches, *, temperature: float) -> Tensor:
    """Return the mean cross-entropy of finding the mutual match of a cell by dot product, in both directions.

    At most 512 matches take part, evenly spread over the query's cells.

    Args:
        query: ``(N, C)`` local features of length 1.
        positive: ``(M, C)``.
        matches: The matching cells.
        temperature: τ, the divisor of the dot products.

    Returns:
        A scalar.
    """
    step = -(-len(matches) // MOST_PAIRS)  # rounded up
    query_cells, positive_cells = matches.query_cells[::step], matches.candidate_cells[::step]
    to_positive = query[query_cells] @ positive.T / temperature  # (n, M)
    to_query = positive[positive_cells] @ query.T / temperature  # (n, N)
    return (F.cross_entropy(to_positive, positive_cells) + F.cross_entropy(to_query, query_cells)) / 2
