"""The loss of pre-training, which moves pictures of the same place together and all others apart."""

import torch
from torch import Tensor


def place_loss(features: Tensor, is_same: Tensor, is_other: Tensor, scale: Tensor) -> Tensor:
    """Compute the supervised contrastive loss.

    For every picture it is the mean, over the pictures of its place, of the cross-entropy of finding that picture among
    itself and all pictures of other places.

    Args:
        features: ``(b, D)`` of length 1.
        is_same: ``(b, b)`` bool.
        is_other: ``(b, b)`` bool.
        scale: The factor of dot products, a scalar.

    Returns:
        A scalar.
    """
    similarities = features @ features.T * scale  # (b, b)
    others = similarities.masked_fill(~is_other, -torch.inf).logsumexp(dim=1, keepdim=True)  # (b, 1)
    costs = torch.logaddexp(similarities, others) - similarities  # the cross-entropy of finding this picture
    of_picture = (costs * is_same).sum(dim=1) / is_same.sum(dim=1).clamp(min=1)
    return of_picture[is_same.any(dim=1)].mean()
