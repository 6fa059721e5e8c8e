"""A plain transformer block, with the names of tensors of timm."""

import torch.nn.functional as F
from torch import Tensor, nn

from model.selavpr.attention import Attention
from model.selavpr.mlp import Mlp

LAYER_NORM_EPS = 1e-6


class WeighedAttention(Attention):
    """Apply self-attention whose weights can be asked for."""

    def weights(self, queries: Tensor, tokens: Tensor) -> Tensor:
        """Return how much each query attends to each token.

        Args:
            queries: ``(B, Q, D)``.
            tokens: ``(B, T, D)``.

        Returns:
            ``(B, heads, Q, T)``, with a sum of 1 over the tokens.
        """
        batch, _, dim = tokens.shape
        width = dim // self.num_heads
        query = F.linear(queries, self.qkv.weight[:dim], self.qkv.bias[:dim])
        key = F.linear(tokens, self.qkv.weight[dim : 2 * dim], self.qkv.bias[dim : 2 * dim])
        query = query.view(batch, -1, self.num_heads, width).transpose(1, 2)
        scores = query @ key.view(batch, -1, self.num_heads, width).permute(0, 2, 3, 1)
        weights: Tensor = (scores * width**-0.5).softmax(dim=-1)
        return weights


class Block(nn.Module):
    """Add attention and an MLP, each behind a normalisation, to the tokens."""

    def __init__(self, dim: int, heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.attn = WeighedAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.mlp = Mlp(dim, mlp_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Process ``(B, T, D)``."""
        tokens = tokens + self.attn(self.norm1(tokens))
        processed: Tensor = tokens + self.mlp(self.norm2(tokens))
        return processed
