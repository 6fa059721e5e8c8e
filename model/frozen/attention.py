"""Self-attention of a frozen block, up to and without its output projection.

``tests/model/frozen/test_layers.py::test_attention`` compares it with ``model.selavpr.attention``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from model.frozen.amx_attention import attend, can_attend
from model.frozen.kernels import amx_kernels
from model.frozen.linear import scaled
from model.frozen.rounded_linear import linear
from model.frozen.target import Target
from model.selavpr.attention import Attention


class FrozenAttention:
    """Compute ``model.selavpr.attention.Attention`` without ``proj``; ``1 / √d`` is folded into the queries.

    On a CPU the scores and their softmax are float32 in every precision: a score of 20 rounded to bfloat16 would change
    its weight by 6 %. The matrix of scores, 4 MB for 16 heads of 257 tokens, stays in the cache. Three plain products
    need less than half the time of torch's fused attention, which is made for longer sequences. With AMX one kernel
    takes a third of theirs, in bfloat16 and in int8.
    """

    def __init__(self, attention: Attention, target: Target, rows: int) -> None:
        self.num_heads = attention.num_heads
        dim = attention.qkv.in_features
        scale = attention.qkv.bias.new_ones(3 * dim)
        scale[:dim] = (dim // self.num_heads) ** -0.5
        self.qkv = linear(*scaled(attention.qkv, scale), target, rows)
        self._kernels = None
        if target.device.type == "cpu" and target.precision != "float32" and can_attend(dim // self.num_heads):
            self._kernels = amx_kernels()

    def __call__(self, tokens: Tensor) -> Tensor:
        """Attend: ``(B, T, D)`` → ``(B, T, D)``."""
        batch, count, dim = tokens.shape
        qkv = self.qkv(self.qkv.factors(tokens)).view(batch, count, 3, self.num_heads, dim // self.num_heads)
        if self._kernels is not None:
            return attend(qkv, self._kernels)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, T, D / heads) each
        if tokens.device.type == "cpu":
            scores = torch.matmul(query.float(), key.float().transpose(-1, -2))
            attended = torch.matmul(scores.softmax(dim=-1).to(value.dtype), value)
        else:
            attended = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        return attended.transpose(1, 2).reshape(batch, count, dim)
