"""Multi-head self-attention."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Apply self-attention over all tokens of a picture, without a mask; one projection yields queries, keys and
    values.
    """

    def __init__(self, dim: int, num_heads: int, *, bias: bool = True) -> None:
        """Make the layers.

        Args:
            dim: The width of a token.
            num_heads: The number of heads; divides ``dim``.
            bias: Whether queries, keys and values have a bias.
        """
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=bias)
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, dim = tokens.shape
        qkv = self.qkv(tokens).view(batch, count, 3, self.num_heads, dim // self.num_heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, T, D / heads) each
        learns_on_cpu = qkv.requires_grad and qkv.device.type == "cpu" and qkv.dtype == torch.bfloat16
        attend = attend_in_plain_products if learns_on_cpu else F.scaled_dot_product_attention
        attended = attend(query, key, value)
        projected: Tensor = self.proj(attended.transpose(1, 2).reshape(batch, count, dim))
        return projected


def attend_in_plain_products(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Compute ``softmax(q kᵀ / √d) v`` in two products, for training in bfloat16 on a CPU.

    On a CPU, torch's fused attention is made for longer sequences. It needs four times as long for a forward and a
    backward pass, most of it for the gradients. The scores are float32, as in the fused attention: a score of 20
    rounded to bfloat16 would change its weight by 6 %.

    Args:
        query: ``(B, heads, T, d)``.
        key: ``(B, heads, T, d)``.
        value: ``(B, heads, T, d)``.

    Returns:
        ``(B, heads, T, d)``, in the type of ``value``.
    """
    with torch.autocast(query.device.type, enabled=False):
        scores = torch.matmul(query.float() * query.shape[-1] ** -0.5, key.float().transpose(-1, -2))
        return torch.matmul(scores.softmax(dim=-1).to(value.dtype), value)
