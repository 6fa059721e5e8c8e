"""A linear layer with its activation, with weights in the processor's layout.

``tests/model/frozen/test_layers.py::test_linear`` compares it with torch's ``nn.Linear``.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.frozen.target import Target

Activation = Literal["none", "relu", "gelu"]


class FrozenLinear:
    """Compute ``activation(x · weightᵀ + bias)``.

    On a CPU oneDNN computes the product, with weights in blocks that fit the registers, and the activation before the
    sums are rounded. In float32 on a processor that is not from Intel it is twice as fast as torch's default, and in
    bfloat16 a tenth faster. The operator is the one that torch's compiler emits for a linear layer; torch is pinned
    exactly.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, target: Target, rows: int, activation: Activation = "none"
    ) -> None:
        """Round and pack the weights.

        Args:
            weight: ``(out, in)``, float32 or float64.
            bias: ``(out,)``, float32 or float64.
            target: The device and arithmetic.
            rows: The rows of the inputs: a hint for the layout; other numbers also work.
            activation: The activation.
        """
        self.activation: Activation = activation
        self.is_packed = target.can_pack
        self.weight = weight.detach().to(target.device, target.dtype, copy=True).contiguous()
        self.bias = None if bias is None else bias.detach().to(target.device, target.dtype, copy=True)
        if self.is_packed:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, rows)

    def factors(self, inputs: Tensor) -> Tensor:
        """Return the inputs themselves; see ``model.frozen.rounded_linear.Linear``."""
        return inputs

    def __call__(self, inputs: Tensor) -> Tensor:
        """Multiply ``(..., in)`` of the target's type to ``(..., out)``."""
        if self.is_packed:
            # With any other stride the operator uses loops that are a thousand times slower.
            output: Tensor = torch.ops.mkldnn._linear_pointwise(
                inputs.contiguous(), self.weight, self.bias, self.activation, [], "none"
            )
            return output
        sums = F.linear(inputs, self.weight, self.bias)
        if self.activation == "none":
            return sums
        return F.relu(sums) if self.activation == "relu" else F.gelu(sums)

    def add_to(self, tokens: Tensor, inputs: Tensor) -> None:
        """Multiply ``(..., in)``, and add the outputs to tokens ``(..., out)`` float32."""
        tokens.add_(self(inputs))


def scaled(layer: nn.Linear, factors: Tensor) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a layer whose outputs are multiplied by the factors ``(out,)``."""
    return factors[:, None] * layer.weight, factors * layer.bias


def composed(outer: nn.Linear, inner: nn.Linear) -> tuple[Tensor, Tensor]:
    """Return weight and bias of ``outer(inner(·))``, computed in float64, so that they are rounded once."""
    weight = outer.weight.double()
    return weight @ inner.weight.double(), weight @ inner.bias.double() + outer.bias.double()
