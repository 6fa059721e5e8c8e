"""For what a network is frozen: a device, an arithmetic, and how many tokens go through it at a time."""

from dataclasses import dataclass

import torch
from torch import Tensor


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
            and torch.backends.mkldnn.is_available()
            and torch.backends.cpu.get_cpu_capability().startswith("AVX")
        )

    def place(self, values: Tensor) -> Tensor:
        """A copy of float32 or float64 values as float32, on the device."""
        return values.detach().to(self.device, torch.float32, copy=True)
