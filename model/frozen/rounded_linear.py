"""A linear layer whose factors are whole numbers of eight bits.

``tests/model/frozen/test_rounded_linear.py`` compares it with sums of whole numbers in 64 bits.
"""

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from model.frozen.amx_linear import AmxLinear
from model.frozen.kernels import amx_kernels
from model.frozen.linear import Activation, FrozenLinear
from model.frozen.row_codes import ZERO_CODE, Codes, round_rows
from model.frozen.target import Target
from model.frozen.weight_codes import WeightCodes


class Linear(Protocol):
    """Define a linear layer with its activation."""

    def factors(self, inputs: Tensor, /) -> Any:
        """Return inputs ``(..., in)`` as the layer multiplies them; layers with the same inputs can share them."""
        ...

    def __call__(self, factors: Any, /) -> Tensor:
        """Multiply factors to ``(..., out)``."""
        ...

    def add_to(self, tokens: Tensor, factors: Any, /) -> None:
        """Multiply factors, and add the outputs to contiguous tokens ``(..., out)`` float32."""
        ...


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
        codes = WeightCodes.of(weight)
        self._units = codes.units
        self._bias = target.place(bias)
        self._weight = torch.ops.onednn.qlinear_prepack(codes.values, [rows, weight.shape[1]])
        self._activation: Activation = activation

    def factors(self, inputs: Tensor) -> Codes:
        """Round ``(..., in)`` float32."""
        return round_rows(inputs)

    def __call__(self, factors: Codes) -> Tensor:
        """Multiply codes ``(..., in)`` to ``(..., out)`` float32."""
        inputs, output = (factors.values, 1.0, ZERO_CODE), (None, 1.0, 0, torch.float32)
        sums = torch.ops.onednn.qlinear_pointwise(*inputs, self._weight, self._units, None, *output, "none", [], "")
        outputs = torch.addcmul(self._bias, sums, factors.units)
        if self._activation == "relu":
            return outputs.relu_()
        return F.gelu(outputs) if self._activation == "gelu" else outputs

    def add_to(self, tokens: Tensor, factors: Codes) -> None:
        """Multiply codes ``(..., in)``, and add the outputs to tokens ``(..., out)`` float32."""
        tokens.add_(self(factors))


def linear(weight: Tensor, bias: Tensor, target: Target, rows: int, activation: Activation = "none") -> Linear:
    """Return the layer of a target; see ``AmxLinear``, ``RoundedLinear`` and ``FrozenLinear``."""
    if target.precision != "int8":
        return FrozenLinear(weight, bias, target, rows, activation)
    kernels = amx_kernels()
    if kernels is not None and AmxLinear.fits(weight):
        return AmxLinear(weight, bias, kernels, activation)
    return RoundedLinear(weight, bias, target, rows, activation)
