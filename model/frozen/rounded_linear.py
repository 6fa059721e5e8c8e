"""A linear layer whose factors are whole numbers of eight bits.

``tests/model/frozen/test_rounded_linear.py`` compares it with sums of whole numbers in 64 bits.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from model.frozen.linear import Activation, FrozenLinear
from model.frozen.target import Target

# Without VNNI, oneDNN adds two products of an unsigned and a signed byte in 16 bits, which overflow beyond 2¹⁵ - 1:
# 2 · 255 · 63 is below it. So sums are exact on every processor, and the same.
_MOST_WEIGHT = 63
_MOST_INPUT = 127
_ZERO_POINT = 128  # the code of 0 among the inputs, which are unsigned
_LEAST_UNIT = 1e-30  # a row of zeros has this unit


class Linear(Protocol):
    """Define a linear layer with its activation."""

    def factors(self, inputs: Tensor, /) -> Any:
        """Return inputs ``(..., in)`` as the layer multiplies them; layers with the same inputs can share them."""
        ...

    def __call__(self, factors: Any, /) -> Tensor:
        """Multiply factors to ``(..., out)``."""
        ...


@dataclass(frozen=True)
class Codes:
    """Hold rows of numbers as codes, with a unit for each row: ``numbers ≈ (values - 128) · units``.

    Attributes:
        values: ``(..., n)`` uint8, 1 to 255.
        units: ``(..., 1)`` float32, greater than 0.
    """

    values: Tensor
    units: Tensor


class RoundedLinear:
    """Compute ``activation(x · weightᵀ + bias)`` from codes: 7 bits of weights, a unit for each output; 8 bits of x, a
    unit for each row.

    The sums of products of codes are exact. The operator is the one that torch's compiler emits for a quantised linear
    layer; it has one unit for all rows, so those of the rows are multiplied afterwards.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor, target: Target, rows: int, activation: Activation = "none"
    ) -> None:
        """Round and pack the weights; see ``FrozenLinear``.

        Args:
            weight: ``(out, in)``, float32 or float64.
            bias: ``(out,)``, float32 or float64.
            target: The device, a processor of ``model.network_precision.check_int8``.
            rows: The rows of the inputs: a hint for the layout; other numbers also work.
            activation: The activation.
        """
        units = weight.abs().amax(dim=1, keepdim=True).clamp(min=_LEAST_UNIT) / _MOST_WEIGHT
        codes = (weight / units).round().to(torch.int8)
        self._units = target.place(units[:, 0])
        self._bias = target.place(bias)
        self._weight = torch.ops.onednn.qlinear_prepack(codes, [rows, weight.shape[1]])
        self._activation: Activation = activation

    def factors(self, inputs: Tensor) -> Codes:
        """Round ``(..., in)`` float32."""
        return round_rows(inputs)

    def __call__(self, factors: Codes) -> Tensor:
        """Multiply codes ``(..., in)`` to ``(..., out)`` float32."""
        inputs, output = (factors.values, 1.0, _ZERO_POINT), (None, 1.0, 0, torch.float32)
        sums = torch.ops.onednn.qlinear_pointwise(*inputs, self._weight, self._units, None, *output, "none", [], "")
        outputs = torch.addcmul(self._bias, sums, factors.units)
        if self._activation == "relu":
            return outputs.relu_()
        return F.gelu(outputs) if self._activation == "gelu" else outputs


def round_rows(numbers: Tensor) -> Codes:
    """Round each row of ``(..., n)`` float32 so that its greatest absolute value gets the code 127 away from zero's."""
    most = torch.linalg.vector_norm(numbers, torch.inf, dim=-1, keepdim=True)
    units = most.clamp_(min=_LEAST_UNIT).div_(_MOST_INPUT)
    # The conversion cuts the digits behind the point off.
    return Codes((numbers / units).add_(_ZERO_POINT + 0.5).to(torch.uint8), units)


def linear(weight: Tensor, bias: Tensor, target: Target, rows: int, activation: Activation = "none") -> Linear:
    """Return the layer of a target; see ``RoundedLinear`` and ``FrozenLinear``."""
    layer = RoundedLinear if target.precision == "int8" else FrozenLinear
    return layer(weight, bias, target, rows, activation)
