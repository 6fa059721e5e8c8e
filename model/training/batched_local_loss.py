"""The local loss of all groups of a batch at once; ``model.training.losses.local_loss`` is its reference.

``tests/model/training/test_batched_local_loss.py::test_it_is_the_reference`` compares losses and gradients.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from model.cpu_matching import can_count, nearest_in_int16
from model.gpu_matching import can_fuse, nearest_cells
from model.training.correspondence_loss import MOST_PAIRS


def batched_local_loss(
    groups: Tensor, *, margin: float, correspondence_weight: float, correspondence_temperature: float
) -> Tensor:
    """Compute the same number as ``local_loss``, without a loop over groups or candidates.

    The matches are found in float16 on a GPU (``model.gpu_matching``), and in 16-bit integers on a CPU with kernels
    (``model.cpu_matching``); the differentiated products are float32.

    Args:
        groups: ``(T, 2 + K, N, C)`` local features of length 1: query, positive, K negatives.
        margin: The least difference of similarity between positive and negative.
        correspondence_weight: Weight of the loss of correspondences with the positive.
        correspondence_temperature: Temperature of that loss.

    Returns:
        A scalar.
    """
    count, size, cells, channels = groups.shape
    query, candidates = groups[:, :1], groups[:, 1:]  # (T, 1, N, C), (T, 1 + K, N, C)
    to_candidate, to_query = _nearest(
        query.expand_as(candidates).reshape(-1, cells, channels), candidates.reshape(-1, cells, channels)
    )
    is_mutual = to_query.gather(1, to_candidate) == torch.arange(cells, device=groups.device)  # (T·(1 + K), N)
    is_mutual = is_mutual.view(count, size - 1, cells)
    to_candidate = to_candidate.view(count, size - 1, cells)
    matching = candidates.gather(2, to_candidate[..., None].expand(-1, -1, -1, channels))
    products = (query * matching).sum(dim=-1)  # (T, 1 + K, N)
    similarities = (products * is_mutual).sum(dim=-1) / is_mutual.sum(dim=-1)  # (T, 1 + K)
    loss = (similarities[:, 1:] - similarities[:, :1] + margin).clamp(min=0).mean()
    if not correspondence_weight:
        return loss
    corresponding = _correspondences(
        groups[:, 0], groups[:, 1], to_candidate[:, 0], is_mutual[:, 0], correspondence_temperature
    )
    return loss + correspondence_weight * corresponding


def _correspondences(
    query: Tensor, positive: Tensor, to_positive: Tensor, is_mutual: Tensor, temperature: float
) -> Tensor:
    """Return the mean of ``correspondence_loss`` over the groups."""
    found = is_mutual.sum(dim=1, keepdim=True)  # (T, 1)
    step = -(-found // MOST_PAIRS)  # evenly spaced matches, as in the reference, in the order of the query's cells
    taken = torch.arange(MOST_PAIRS, device=query.device) * step  # (T, 512)
    is_there = taken < found
    in_order = (~is_mutual).int().argsort(dim=1, stable=True)  # the matches first
    query_cells = in_order.gather(1, taken.clamp(max=is_mutual.shape[1] - 1))  # (T, 512)
    positive_cells = to_positive.gather(1, query_cells)
    costs = []
    for cells, targets, one, other in (
        (query_cells, positive_cells, query, positive),
        (positive_cells, query_cells, positive, query),
    ):
        picked = one.gather(1, cells[..., None].expand(-1, -1, one.shape[2]))  # (T, 512, C)
        scores = picked @ other.transpose(1, 2) / temperature  # (T, 512, N)
        costs.append(F.cross_entropy(scores.transpose(1, 2), targets, reduction="none"))  # (T, 512)
    return (((costs[0] + costs[1]) / 2 * is_there).sum(dim=1) / is_there.sum(dim=1)).mean()


def _nearest(queries: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    if queries.is_cuda and can_fuse(queries.shape[2]):
        return nearest_cells(queries, candidates)
    if queries.device.type == "cpu" and can_count(queries.shape[2]):
        return nearest_in_int16(queries.detach(), candidates.detach())
    pairs = [_nearest_plainly(*pair) for pair in zip(queries.detach(), candidates.detach(), strict=True)]
    return torch.stack([pair[0] for pair in pairs]), torch.stack([pair[1] for pair in pairs])


def _nearest_plainly(query: Tensor, candidate: Tensor) -> tuple[Tensor, Tensor]:
    scores = query @ candidate.T
    return scores.argmax(dim=1), scores.argmax(dim=0)
