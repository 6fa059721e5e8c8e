"""The device and arithmetic of a frozen network."""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.network_precision import has_native_bfloat16


@dataclass(frozen=True)
class Target:
    """Describe the device and arithmetic of a frozen network.

    Attributes:
        device: The device of weights and tokens.
        dtype: The type of weights and factors of products; ``float32`` or ``bfloat16``. Sums are always float32.
    """

    device: torch.device
    dtype: torch.dtype

    @property
    def can_pack(self) -> bool:
        """Return whether oneDNN can multiply with packed weights here."""
        return (
            self.device.type == "cpu"
            and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
            and torch.backends.cpu.get_cpu_capability().startswith("AVX")
            and (self.dtype == torch.float32 or has_native_bfloat16(self.device))
        )

    def place(self, values: Tensor) -> Tensor:
        """Return a copy of float32 or float64 values as float32, on the device."""
        return values.detach().to(self.device, torch.float32, copy=True)
