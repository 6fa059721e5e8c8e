"""For what a network is frozen: a device and an arithmetic."""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.network_precision import has_native_bfloat16


@dataclass(frozen=True)
class Target:
    """Where and how a frozen network computes.

    Attributes:
        device: Where weights and tokens live.
        dtype: Of weights, and of what goes into a product; ``float32`` or ``bfloat16``. Sums are of float32 always.
    """

    device: torch.device
    dtype: torch.dtype

    @property
    def can_pack(self) -> bool:
        """Whether oneDNN multiplies here with weights that it has laid out beforehand."""
        return (
            self.device.type == "cpu"
            and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
            and torch.backends.cpu.get_cpu_capability().startswith("AVX")
            and (self.dtype == torch.float32 or has_native_bfloat16(self.device))
        )

    def place(self, values: Tensor) -> Tensor:
        """A copy of float32 or float64 values as float32, on the device."""
        return values.detach().to(self.device, torch.float32, copy=True)
