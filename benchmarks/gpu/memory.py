"""Measure how much memory of device and machine a part of the run needs."""

import gc
from contextlib import suppress
from dataclasses import dataclass

import torch

from benchmarks.memory import peak_memory_bytes, reset_peak_memory


@dataclass(frozen=True)
class Memory:
    """Hold the most memory that was needed.

    Attributes:
        device_peak_bytes: Allocated by torch on the GPU; None without one.
        device_reserved_bytes: That torch took from the GPU for it, at most.
        host_peak_bytes: Resident of this process; since it began, where the kernel does not let it forget its peak.
    """

    device_peak_bytes: int | None
    device_reserved_bytes: int | None
    host_peak_bytes: int


def forget_peaks() -> None:
    """Begin anew."""
    gc.collect()
    with suppress(OSError):
        reset_peak_memory()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peaks() -> Memory:
    """Return the peaks since the last ``forget_peaks``."""
    if not torch.cuda.is_available():
        return Memory(None, None, peak_memory_bytes())
    return Memory(torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved(), peak_memory_bytes())
