"""Batch normalisation without learning."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FixedNorm(nn.Module):
    """Apply batch normalisation with the final means and variances of training.

    Attributes:
        eps: The number that is added to each variance.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise ``(B, C, H, W)``."""
        return F.batch_norm(
            maps, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )
