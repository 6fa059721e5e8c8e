"""The device and arithmetic of a frozen network."""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.network_precision import NetworkPrecision, can_pack, has_native_bfloat16


@dataclass(frozen=True)
class Target:
    """Describe the device and arithmetic of a frozen network.

    Attributes:
        device: The device of weights and tokens.
        precision: The arithmetic of products; in ``int8`` that of the layers in ``model.frozen.rounded_linear``.
    """

    device: torch.device
    precision: NetworkPrecision

    @property
    def dtype(self) -> torch.dtype:
        """Return the type of weights and factors that are not codes. Sums are always float32."""
        return torch.bfloat16 if self.precision == "bfloat16" else torch.float32

    @property
    def can_pack(self) -> bool:
        """Return whether oneDNN can multiply in the type with packed weights here."""
        return can_pack(self.device) and (self.dtype == torch.float32 or has_native_bfloat16(self.device))

    def place(self, values: Tensor) -> Tensor:
        """Return a copy of float32 or float64 values as float32, on the device."""
        return values.detach().to(self.device, torch.float32, copy=True)
