"""A frozen transformer block: LayerScale and the adapters folded into the linear layers around them.

``tests/model/frozen/test_layers.py::test_block`` compares it with ``model.selavpr.block``, and
``tests/model/frozen/test_layers.py::test_layer_norm`` with torch's LayerNorm.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from model.frozen.attention import FrozenAttention
from model.frozen.linear import composed, scaled
from model.frozen.rounded_linear import linear
from model.frozen.target import Target
from model.selavpr.block import PARALLEL_ADAPTER_SCALE, Block


class FrozenLayerNorm:
    """Compute LayerNorm in float32 from float32; the result is rounded to the target's type."""

    def __init__(self, norm: nn.LayerNorm, target: Target) -> None:
        self.shape, self.eps, self.dtype = norm.normalized_shape, norm.eps, target.dtype
        self.weight, self.bias = target.place(norm.weight), target.place(norm.bias)

    def __call__(self, tokens: Tensor) -> Tensor:
        """Normalise ``(B, T, D)`` float32."""
        return F.layer_norm(tokens, self.shape, self.weight, self.bias, self.eps).to(self.dtype)


class FrozenBlock:
    """Compute ``model.selavpr.block.Block`` in fewer steps.

    With γ for a LayerScale, u for attention before its projection, and both adapters ``up(relu(down(·)))``::

        x ← x + γ1·proj(u)   + γ1·up_s(relu(down_s(proj(u))))
        x ← x + γ2·fc2(gelu(fc1(n))) + γ2·s·up_p(relu(down_p(n)))

    Each γ and s is folded into the layer before it, and ``down_s ∘ proj`` is one layer of the size of ``down_s``. A sum
    of linear layers is added to the tokens; the tokens stay float32.
    """

    def __init__(self, block: Block, target: Target, rows: int) -> None:
        """Fold the weights.

        Args:
            block: The trained block.
            target: The device and arithmetic.
            rows: The tokens per pass.
        """
        self.norm1, self.norm2 = FrozenLayerNorm(block.norm1, target), FrozenLayerNorm(block.norm2, target)
        self.attention = FrozenAttention(block.attn, target, rows)
        gamma1, gamma2 = block.ls1.gamma, block.ls2.gamma
        self.proj = linear(*scaled(block.attn.proj, gamma1), target, rows)
        self.fc1 = linear(block.mlp.fc1.weight, block.mlp.fc1.bias, target, rows, "gelu")
        self.fc2 = linear(*scaled(block.mlp.fc2, gamma2), target, rows)
        self.serial_down = self.serial_up = self.parallel_down = self.parallel_up = None
        if block.serial_adapter is not None:
            adapter = block.serial_adapter
            self.serial_down = linear(*composed(adapter.down, block.attn.proj), target, rows, "relu")
            self.serial_up = linear(*scaled(adapter.up, gamma1), target, rows)
        if block.parallel_adapter is not None:
            adapter = block.parallel_adapter
            self.parallel_down = linear(adapter.down.weight, adapter.down.bias, target, rows, "relu")
            self.parallel_up = linear(*scaled(adapter.up, PARALLEL_ADAPTER_SCALE * gamma2), target, rows)

    def __call__(self, tokens: Tensor) -> Tensor:
        """Turn contiguous ``(B, T, D)`` float32 into the same shape and type, in place."""
        attended = self.proj.factors(self.attention(self.norm1(tokens)))
        self.proj.add_to(tokens, attended)
        if self.serial_down is not None and self.serial_up is not None:
            self.serial_up.add_to(tokens, self.serial_up.factors(self.serial_down(attended)))
        normed = self.fc1.factors(self.norm2(tokens))
        self.fc2.add_to(tokens, self.fc2.factors(self.fc1(normed)))
        if self.parallel_down is not None and self.parallel_up is not None:
            self.parallel_up.add_to(tokens, self.parallel_up.factors(self.parallel_down(normed)))
        return tokens
