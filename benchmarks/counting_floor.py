"""The least time for counting mutual matches: bytes over bandwidth, operations over peak.

Every score of a query with a candidate is a product of two features, and every feature of a candidate is read once.
Both rates are measured in the same run. torch has no product of 16-bit integers, so their peak cannot be measured; the
peak of bfloat16 replaces it. A CPU with AVX-512 multiplies equally many of both in one instruction. A CPU with AMX
multiplies more of bfloat16: 16-bit integers cannot approach that floor. It multiplies twice as many of eight bits, and
a score takes two products of them, so codes have the floor of bfloat16, too.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from benchmarks.bandwidth import memory_bytes_per_s
from benchmarks.encoding.floor import peak_operations_per_s
from model.network_precision import has_native_bfloat16

Number = Literal["float32", "bfloat16"]

_COMPARED: dict[str, Number] = {"float32": "float32", "float16": "bfloat16", "int16": "bfloat16", "int8": "bfloat16"}
"""Type of the factors of a way → type of numbers with which its peak is measured."""


@dataclass(frozen=True)
class Rates:
    """Hold the greatest rates of a device.

    Attributes:
        memory_bytes_per_s: Bytes read and written.
        peak_operations_per_s: Additions and multiplications in large products, by the type of their numbers; types
            without instructions on the device are left out.
    """

    memory_bytes_per_s: float
    peak_operations_per_s: dict[Number, float]

    @classmethod
    def measured(cls, device: torch.device) -> "Rates":
        """Measure the rates of a device."""
        peaks: dict[Number, float] = {"float32": peak_operations_per_s("float32", device)}
        if has_native_bfloat16(device):
            peaks["bfloat16"] = peak_operations_per_s("bfloat16", device)
        return cls(memory_bytes_per_s(device), peaks)

    def best(self, other: "Rates") -> "Rates":
        """Return the higher rates of two measurements of a device."""
        return Rates(
            max(self.memory_bytes_per_s, other.memory_bytes_per_s),
            {
                number: max(peak, other.peak_operations_per_s[number])
                for number, peak in self.peak_operations_per_s.items()
            },
        )


@dataclass(frozen=True)
class Work:
    """Describe the work that no way of counting can avoid.

    Attributes:
        candidate_bytes: Bytes of all stored candidates.
        operations: Additions and multiplications.
        number: The type of the factors.
    """

    candidate_bytes: int
    operations: int
    number: Number

    @classmethod
    def of(cls, candidates: int, cells: int, channels: int, stored: torch.dtype, multiplied: str) -> "Work":
        """Return the work for a query.

        Args:
            candidates: The number of candidates.
            cells: The number of features of the query, and of each candidate.
            channels: The channels of a feature.
            stored: The type of the candidates.
            multiplied: The type of the factors, ``float32``, ``float16``, ``int16``, or ``int8`` by AMX.
        """
        values = candidates * cells * channels
        return cls(values * stored.itemsize, 2 * values * cells, _COMPARED[multiplied])

    def to_json(self, rates: Rates) -> dict[str, Any]:
        """Return all values, and the seconds of the bytes and the operations; None if a peak is unknown."""
        peak = rates.peak_operations_per_s.get(self.number)
        return {
            **asdict(self),
            "bytes_floor_s": self.candidate_bytes / rates.memory_bytes_per_s,
            "operations_floor_s": None if peak is None else self.operations / peak,
        }
