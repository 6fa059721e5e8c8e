"""LayerScale: a learned factor for each channel, before a residual is added."""

import torch
from torch import Tensor, nn


class LayerScale(nn.Module):
    """Multiply each channel by its own factor; it is 1 until weights are loaded."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens * self.gamma
