"""A linear layer with its activation, and its weights laid out for the processor.

Held to torch's ``nn.Linear`` by ``tests/model/frozen/test_layers.py::test_linear``.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.frozen.target import Target

Activation = Literal["none", "relu", "gelu"]


class FrozenLinear:
    """``activation(x · weightᵀ + bias)``.

    On a CPU the product is oneDNN's, with weights in blocks that fit its registers and the activation computed before
    the sums are rounded. It is twice as fast as torch's default in float32 on a processor that is not Intel's, and a
    tenth in bfloat16. The operator is what torch's own compiler emits for a linear layer; torch is pinned exactly.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, target: Target, rows: int, activation: Activation = "none"
    ) -> None:
        """Rounds and packs the weights.

        Args:
            weight: ``(out, in)``, float32 or float64.
            bias: ``(out,)``, likewise.
            target: Where and how to compute.
            rows: Of the inputs to come: a hint for the layout; others are right, too.
            activation: What follows.
        """
        self.activation: Activation = activation
        self.is_packed = target.can_pack
        self.weight = weight.detach().to(target.device, target.dtype, copy=True).contiguous()
        self.bias = None if bias is None else bias.detach().to(target.device, target.dtype, copy=True)
        if self.is_packed:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, rows)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Multiplies ``(..., in)`` of the target's type to ``(..., out)``."""
        if self.is_packed:
            # With any other stride the operator falls back to loops that are a thousand times slower.
            output: Tensor = torch.ops.mkldnn._linear_pointwise(
                inputs.contiguous(), self.weight, self.bias, self.activation, [], "none"
            )
            return output
        sums = F.linear(inputs, self.weight, self.bias)
        if self.activation == "none":
            return sums
        return F.relu(sums) if self.activation == "relu" else F.gelu(sums)


def scaled(layer: nn.Linear, factors: Tensor) -> tuple[Tensor, Tensor]:
    """Weight and bias of a layer whose outputs are multiplied by one factor ``(out,)`` each."""
    return factors[:, None] * layer.weight, factors * layer.bias


def composed(outer: nn.Linear, inner: nn.Linear) -> tuple[Tensor, Tensor]:
    """Weight and bias of ``outer(inner(·))``; computed in float64, so that they are rounded once."""
    weight = outer.weight.double()
    return weight @ inner.weight.double(), weight @ inner.bias.double() + outer.bias.double()
