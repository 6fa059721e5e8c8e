"""Shares of patches in clusters by optimal transport (Sinkhorn; SALAD, section 3.2)."""

import math

import torch
from torch import Tensor

ITERATIONS = 3  # too few to converge, so their number is part of the method


def log_shares(scores: Tensor, dustbin: Tensor) -> Tensor:
    """Return the logarithms of the shares of every patch in every cluster.

    Rows are clusters, with the dustbin below them; columns are patches. Each patch gives one part of n + m, each of the
    m clusters takes one, and the dustbin takes the other n - m. The dustbin's score is equal for all patches, so its
    row potential cancels it, and it changes no share.

    Args:
        scores: ``(B, m, n)`` of n patches in m clusters, with n greater than m.
        dustbin: The score of the dustbin, without dimensions.

    Returns:
        ``(B, m + 1, n)``; the last row belongs to the dustbin.
    """
    batch, clusters, patches = scores.shape
    matrix = torch.cat((scores, dustbin.expand(batch, 1, patches)), dim=1)
    log_part = -math.log(patches + clusters)
    taken = matrix.new_full((clusters + 1,), log_part)
    taken[-1] += math.log(patches - clusters)
    rows, columns = torch.zeros_like(taken).expand(batch, -1), matrix.new_zeros(batch, patches)
    for _ in range(ITERATIONS):
        rows = taken - torch.logsumexp(matrix + columns[:, None, :], dim=2)
        columns = log_part - torch.logsumexp(matrix + rows[:, :, None], dim=1)
    return matrix + rows[:, :, None] + columns[:, None, :] - log_part
