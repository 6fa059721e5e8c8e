"""Local adaptation: from the map of tokens to dense local features (paper, Eq. 6)."""

import torch.nn.functional as F
from torch import Tensor, nn

from model.selavpr.config import SelaVPRConfig


class LocalAdaptation(nn.Module):
    """Apply two up-convolutions; a side of n cells becomes 2n - 1, then 4n - 3: 16 → 31 → 61."""

    def __init__(self, config: SelaVPRConfig) -> None:
        super().__init__()
        self.up1 = nn.ConvTranspose2d(config.embed_dim, config.local_hidden_dim, kernel_size=3, stride=2, padding=1)
        self.act = nn.ReLU()
        self.up2 = nn.ConvTranspose2d(config.local_hidden_dim, config.local_dim, kernel_size=3, stride=2, padding=1)

    def forward(self, patch_tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """Turn ``(B, height·width, D)`` tokens into ``(B, (4·height - 3)·(4·width - 3), C)`` features of length 1."""
        dense: Tensor = self.upsample(patch_tokens, grid).flatten(2).transpose(1, 2)
        return F.normalize(dense, dim=-1)

    def upsample(self, patch_tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """Apply the convolutions alone, without normalisation: ``(B, C, 4·height - 3, 4·width - 3)``."""
        batch, _, dim = patch_tokens.shape
        token_map = patch_tokens.transpose(1, 2).reshape(batch, dim, *grid)  # (B, D, height, width)
        upsampled: Tensor = self.up2(self.act(self.up1(token_map)))
        return upsampled
