"""The losses of a batch of triplets: global, local and their sum (paper, Eq. 9 to 11), and alternatives.

A batch holds T groups of pictures; the rows of a group are its query, its positive and its K negatives, in this order.
Every negative makes a triplet with the query and the positive of its group. All losses are sums over the T·K triplets,
divided by their number, as in the code of the published network (the paper writes only the sums).

The paper adapts a network that was trained on millions of pictures. For a small network three additions help, which are
off by default: a contrastive global loss, a margin in the local loss, and the loss of correspondences.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from model.cpu_matching import can_count
from model.errors import InvalidInput
from model.features import Features
from model.matching import MutualMatches, find_mutual_matches
from model.training.batched_local_loss import batched_local_loss
from model.training.config import LossConfig
from model.training.contrastive_loss import contrastive_loss
from model.training.correspondence_loss import correspondence_loss

DISTANCE_EPS = 1e-6  # added to each difference of coordinates: the gradient of a distance of 0 would be infinite


@dataclass(frozen=True)
class Losses:
    """Hold the losses of a batch; scalars with gradients.

    Attributes:
        total: Eq. 11: global + λ · local.
        global_loss: Eq. 9, or the contrastive loss instead.
        local_loss: Eq. 10, plus the loss of correspondences if it is set; 0 for a network without local features.
    """

    total: Tensor
    global_loss: Tensor
    local_loss: Tensor


def batch_losses(features: Features, *, negatives: int, loss: LossConfig, comparable: Tensor | None = None) -> Losses:
    """Compute the losses of a batch.

    Args:
        features: The features of T·(2 + K) pictures, group by group.
        negatives: K, the negatives of each group.
        loss: The losses and their weights.
        comparable: ``(T, T·(1 + K))``, for the contrastive loss: whether a query may be compared with a picture of the
            database in this batch. By default only with pictures of its own group.

    Raises:
        InvalidInput: The number of pictures is not a multiple of 2 + K.
    """
    groups = _in_groups(features.global_features, negatives)
    if loss.global_loss == "contrastive":
        if comparable is None:
            comparable = torch.eye(len(groups), dtype=torch.bool).repeat_interleave(1 + negatives, dim=1)
        global_part = contrastive_loss(groups, comparable, temperature=loss.temperature)
    else:
        global_part = global_loss(features.global_features, negatives=negatives, margin=loss.margin)
    local_part = _local_part(features.local_features, negatives, loss)
    return Losses(global_part + loss.local_weight * local_part, global_part, local_part)


def _local_part(local_features: Tensor, negatives: int, loss: LossConfig) -> Tensor:
    settings = {
        "margin": loss.local_margin,
        "correspondence_weight": loss.correspondence_weight,
        "correspondence_temperature": loss.correspondence_temperature,
    }
    is_fast = local_features.is_cuda or can_count(local_features.shape[2])
    if is_fast and local_features.shape[1]:  # on a GPU, a loop would wait for the host hundreds of times
        return batched_local_loss(_in_groups(local_features, negatives), **settings)
    return local_loss(local_features, negatives=negatives, **settings)


def global_loss(global_features: Tensor, *, negatives: int, margin: float) -> Tensor:
    """Return the triplet loss of the global features, with distances that are not squared (Eq. 9).

    Args:
        global_features: ``(T·(2 + K), D)``.
        negatives: K.
        margin: m.

    Raises:
        InvalidInput: The number of pictures is not a multiple of 2 + K.
    """
    groups = _in_groups(global_features, negatives)  # (T, 2 + K, D)
    query, positive, negative = groups[:, :1], groups[:, 1:2], groups[:, 2:]
    to_positive = F.pairwise_distance(query, positive, eps=DISTANCE_EPS)  # (T, 1)
    to_negatives = F.pairwise_distance(query, negative, eps=DISTANCE_EPS)  # (T, K)
    return (to_positive - to_negatives + margin).clamp(min=0).mean()


def local_loss(
    local_features: Tensor,
    *,
    negatives: int,
    margin: float = 0.0,
    correspondence_weight: float = 0.0,
    correspondence_temperature: float = 0.1,
) -> Tensor:
    """Return the loss of the local features: a negative must match with less similarity than the positive (Eq. 10).

    Args:
        local_features: ``(T·(2 + K), N, C)``; N = 0 for a network without local features.
        negatives: K.
        margin: The least difference of similarity; 0 in the paper.
        correspondence_weight: Weight of the loss of correspondences with the positive; 0 in the paper.
        correspondence_temperature: Temperature of that loss.

    Raises:
        InvalidInput: The number of pictures is not a multiple of 2 + K.
    """
    groups = _in_groups(local_features, negatives)  # (T, 2 + K, N, C)
    if not local_features.shape[1]:
        return local_features.new_zeros(())
    losses = []
    for group in groups:
        query, positive = group[0], group[1]
        matches = [find_mutual_matches(query.detach(), candidate.detach()) for candidate in group[1:]]
        similarities = torch.stack(
            [similarity(query, *each) for each in zip(group[1:], matches, strict=True)]
        )  # (1+K,)
        losses.append((similarities[1:] - similarities[0] + margin).clamp(min=0).mean())
        if correspondence_weight:
            corresponding = correspondence_loss(query, positive, matches[0], temperature=correspondence_temperature)
            losses[-1] = losses[-1] + correspondence_weight * corresponding
    return torch.stack(losses).mean()


def similarity(query: Tensor, candidate: Tensor, matches: MutualMatches) -> Tensor:
    """Return the mean dot product of the mutual nearest neighbours of two pictures, a scalar (Eq. 10).

    The choice of neighbours is not differentiated; their dot products are, with respect to both pictures. One pair is
    enough for a mean. The code of the published network takes the features of *equal position* instead if exactly one
    pair is found.

    Args:
        query: ``(N, C)``.
        candidate: ``(M, C)``.
        matches: The neighbours.
    """
    matching_query = query.index_select(0, matches.query_cells)
    matching_candidate = candidate.index_select(0, matches.candidate_cells)
    return (matching_query * matching_candidate).sum(dim=-1).mean()


def _in_groups(features: Tensor, negatives: int) -> Tensor:
    group_size = 2 + negatives
    if negatives < 1 or not len(features) or len(features) % group_size:
        raise InvalidInput(
            f"{len(features)} pictures are not groups of a query, a positive and {negatives} negatives each"
        )
    return features.reshape(len(features) // group_size, group_size, *features.shape[1:])
