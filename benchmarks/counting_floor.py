"""The time below which counting mutual matches cannot stay: bytes over bandwidth, operations over peak.

Every score of a query with a candidate is a product of two features, and every feature of a candidate is read once.
Both rates are measured in the run that is compared with them. Torch has no product of 16-bit integers, so that their
peak cannot be measured; that of bfloat16 stands for it. A processor with AVX-512 multiplies as many of both in one
instruction. One with AMX multiplies more of bfloat16: integers cannot come near that floor.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from benchmarks.bandwidth import memory_bytes_per_s
from benchmarks.encoding.floor import peak_operations_per_s
from model.network_precision import has_native_bfloat16

Number = Literal["float32", "bfloat16"]

_COMPARED: dict[str, Number] = {"float32": "float32", "float16": "bfloat16", "int16": "bfloat16"}
"""Name the numbers whose peak is compared with each way, by what the way multiplies."""


@dataclass(frozen=True)
class Rates:
    """What a device does at best.

    Attributes:
        memory_bytes_per_s: Read and written.
        peak_operations_per_s: Additions and multiplications in large products, by the type of their numbers; without
            those that the device has no instructions for.
    """

    memory_bytes_per_s: float
    peak_operations_per_s: dict[Number, float]

    @classmethod
    def measured(cls, device: torch.device) -> "Rates":
        """Of a device, now."""
        peaks: dict[Number, float] = {"float32": peak_operations_per_s("float32", device)}
        if has_native_bfloat16(device):
            peaks["bfloat16"] = peak_operations_per_s("bfloat16", device)
        return cls(memory_bytes_per_s(device), peaks)

    def best(self, other: "Rates") -> "Rates":
        """The higher rates of two measurements of a device."""
        return Rates(
            max(self.memory_bytes_per_s, other.memory_bytes_per_s),
            {
                number: max(peak, other.peak_operations_per_s[number])
                for number, peak in self.peak_operations_per_s.items()
            },
        )


@dataclass(frozen=True)
class Work:
    """What a way of counting cannot leave out.

    Attributes:
        candidate_bytes: Of all candidates, as they are stored.
        operations: Additions and multiplications.
        number: What is multiplied.
    """

    candidate_bytes: int
    operations: int
    number: Number

    @classmethod
    def of(cls, candidates: int, cells: int, channels: int, stored: torch.dtype, multiplied: str) -> "Work":
        """Of a query.

        Args:
            candidates: How many.
            cells: Features of the query, and of each candidate.
            channels: Of a feature.
            stored: Type of the candidates.
            multiplied: ``float32``, ``float16`` or ``int16``.
        """
        values = candidates * cells * channels
        return cls(values * stored.itemsize, 2 * values * cells, _COMPARED[multiplied])

    def to_json(self, rates: Rates) -> dict[str, Any]:
        """All of it, and the seconds that the bytes and the operations take; None where a peak is not known."""
        peak = rates.peak_operations_per_s.get(self.number)
        return {
            **asdict(self),
            "bytes_floor_s": self.candidate_bytes / rates.memory_bytes_per_s,
            "operations_floor_s": None if peak is None else self.operations / peak,
        }
