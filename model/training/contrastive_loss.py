"""A contrastive global loss (InfoNCE): a query must find its positive among all pictures of a batch.

This loss is not in the paper: Eq. 9 compares a query only with the K negatives of its own group. Every other picture of
the batch that is known to show another place is a further negative, at the price of a dot product.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from model.errors import InvalidInput


def contrastive_loss(groups: Tensor, comparable: Tensor, *, temperature: float) -> Tensor:
    """Return the mean cross-entropy of finding the positive by dot product.

    Args:
        groups: ``(T, 2 + K, D)`` global features of length 1: query, positive, K negatives.
        comparable: ``(T, T·(1 + K))`` bool: whether query t may be compared with the picture of the database in a
            column; the columns are the groups' positives and negatives, group by group. Columns of the query's own
            group must be true; a picture that may be near the query must be false.
        temperature: τ, the divisor of the dot products.

    Returns:
        A scalar.

    Raises:
        InvalidInput: ``comparable`` has another shape, or a query may not be compared with its own positive.
    """
    count, group_size, _ = groups.shape
    candidates = groups[:, 1:].flatten(0, 1)  # (T·(1 + K), D)
    if tuple(comparable.shape) != (count, len(candidates)):
        raise InvalidInput(f"comparable must be {(count, len(candidates))}, not {tuple(comparable.shape)}")
    positives = torch.arange(count, device=groups.device) * (group_size - 1)  # the column of each query's positive
    comparable = comparable.to(groups.device)
    if not comparable.gather(1, positives[:, None]).all():
        raise InvalidInput("a query must be comparable with its own positive")
    similarities = groups[:, 0] @ candidates.T / temperature  # (T, T·(1 + K))
    return F.cross_entropy(similarities.masked_fill(~comparable, -torch.inf), positives)
