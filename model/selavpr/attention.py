"""Multi-head self-attention."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Self-attention over all tokens of a picture, without a mask; one projection yields queries, keys and values."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
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
    """``softmax(q kᵀ / √d) v`` in two products, for learning in bfloat16 on a processor.

    There torch's fused attention, made for longer sequences, needs four times as long for forth and back together, most
    of it for the gradients. The scores are float32, as inside the fused one: a score of 20 rounded to bfloat16 would
    move its weight by 6 %.

    Args:
        query: ``(B, heads, T, d)``.
        key: Likewise.
        value: Likewise.

    Returns:
        ``(B, heads, T, d)``, as precise as ``value``.
    """
    with torch.autocast(query.device.type, enabled=False):
        scores = torch.matmul(query.float() * query.shape[-1] ** -0.5, key.float().transpose(-1, -2))
        return torch.matmul(scores.softmax(dim=-1).to(value.dtype), value)
