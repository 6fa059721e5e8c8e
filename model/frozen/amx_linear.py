"""A linear layer whose codes are multiplied with AMX.

``tests/model/frozen/test_amx_linear.py`` compares it with sums of whole numbers in 64 bits, on any processor.
"""

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from model.frozen.linear import Activation
from model.frozen.row_codes import ZERO_CODE, Codes, round_rows
from model.frozen.weight_codes import WeightCodes

if TYPE_CHECKING:  # LLVM may be missing
    from model.cpu_kernels.amx_linear import Ending
    from model.cpu_kernels.encoding import EncodingKernels

_ROWS_TOGETHER = 256  # whose codes stay in the L2 cache: 1 MB for 4096 inner numbers


class AmxLinear:
    """Compute ``activation(x · weightᵀ + bias)`` as ``RoundedLinear``, by the kernel for AMX.

    The kernel multiplies whole tiles, so not every shape fits it. It ends each sum with its units and the bias at once.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor, kernels: "EncodingKernels", activation: Activation = "none"
    ) -> None:
        """Round and arrange the weights.

        Args:
            weight: ``(out, in)``, float32 or float64, of a shape for which ``fits`` is true.
            bias: ``(out,)``, float32 or float64.
            kernels: The kernels, with products.
            activation: The activation.
        """
        from model.cpu_kernels.amx_linear import arranged  # noqa: PLC0415  (LLVM may be missing)

        codes = WeightCodes.of(weight)
        self._outer, self._inner = weight.shape
        self._weights, self._units = arranged(codes.values), codes.units
        self._corrections = codes.values.sum(dim=1, dtype=torch.int32) * ZERO_CODE
        self._bias = bias.detach().to(torch.float32, copy=True)
        self._kernels = kernels
        self._activation: Activation = activation

    @staticmethod
    def fits(weight: Tensor) -> bool:
        """Return whether the kernel multiplies by weights ``(out, in)``."""
        outer, inner = weight.shape
        return outer > 0 and inner > 0 and outer % 32 == 0 and inner % 64 == 0

    def factors(self, inputs: Tensor) -> Codes:
        """Round ``(..., in)`` float32."""
        return round_rows(inputs)

    def __call__(self, factors: Codes) -> Tensor:
        """Multiply codes ``(..., in)`` to ``(..., out)`` float32."""
        outputs = torch.empty(*factors.values.shape[:-1], self._outer)
        self._multiply(factors, outputs, "relu" if self._activation == "relu" else "none")
        return F.gelu(outputs) if self._activation == "gelu" else outputs

    def add_to(self, tokens: Tensor, factors: Codes) -> None:
        """Multiply codes ``(..., in)``, and add the outputs to contiguous tokens ``(..., out)`` float32."""
        self._multiply(factors, tokens, "add")

    def _multiply(self, factors: Codes, target: Tensor, ending: "Ending") -> None:
        from model.cpu_kernels.amx_linear import FIELDS  # noqa: PLC0415
        from model.cpu_kernels.amx_products import ROWS  # noqa: PLC0415
        from model.cpu_kernels.task import run_task  # noqa: PLC0415

        rows = factors.units.numel()
        if rows < ROWS:  # the kernel multiplies at least a block of rows
            self._multiply_few(factors, target, ending, ROWS - rows)
            return
        run_task(
            self._kernels.linear[ending],
            FIELDS,
            rows=rows,
            rows_together=_even_share(rows, ROWS),
            inner=self._inner,
            outer=self._outer,
            codes=factors.values.data_ptr(),
            weights=self._weights.data_ptr(),
            units=self._units.data_ptr(),
            corrections=self._corrections.data_ptr(),
            bias=self._bias.data_ptr(),
            row_units=factors.units.data_ptr(),
            target=target.data_ptr(),
        )

    def _multiply_few(self, factors: Codes, target: Tensor, ending: "Ending", missing: int) -> None:
        values = F.pad(factors.values.reshape(-1, self._inner), (0, 0, 0, missing))
        units = F.pad(factors.units.reshape(-1, 1), (0, 0, 0, missing))
        few = target.view(-1, self._outer)
        padded = F.pad(few, (0, 0, 0, missing))
        self._multiply(Codes(values, units), padded, ending)
        few.copy_(padded[: len(few)])


def _even_share(rows: int, block: int) -> int:
    """Return how many rows are multiplied by all outputs before the next ones: whole blocks, near 256."""
    share = -(-rows // max(1, rows // _ROWS_TOGETHER))
    return share + -share % block
