"""Weights of a linear layer as codes of seven bits, with a unit for each output.

``tests/model/frozen/test_rounded_linear.py`` compares products of these codes with those of whole numbers in 64 bits.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

# Without VNNI, oneDNN adds two products of an unsigned and a signed byte in 16 bits, which overflow beyond 2¹⁵ - 1:
# 2 · 255 · 63 is below it. So sums are exact on every processor, and the same.
_MOST_CODE = 63
_LEAST_WEIGHT = 1e-30  # an output whose weights are all 0 gets its unit from it


@dataclass(frozen=True)
class WeightCodes:
    """Hold weights as codes: ``weight ≈ values · units``.

    Attributes:
        values: ``(out, in)`` int8, -63 to 63: six bits and a sign.
        units: ``(out,)`` float32, greater than 0.
    """

    values: Tensor
    units: Tensor

    @classmethod
    def of(cls, weight: Tensor) -> Self:
        """Round ``(out, in)`` float32 or float64; the greatest absolute weight of an output becomes 63."""
        units = weight.detach().abs().amax(dim=1, keepdim=True).clamp(min=_LEAST_WEIGHT) / _MOST_CODE
        return cls((weight.detach() / units).round().to(torch.int8), units[:, 0].to(torch.float32, copy=True))
