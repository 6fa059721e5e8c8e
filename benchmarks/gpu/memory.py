"""The memory of device and machine that a part of the run needs."""

import gc
from contextlib import suppress
from dataclasses import dataclass

import torch

from benchmarks.memory import peak_memory_bytes, reset_peak_memory


@dataclass(frozen=True)
class Memory:
    """Hold the peaks of memory.

    Attributes:
        device_peak_bytes: Bytes that torch allocated on the GPU; None without a GPU.
        device_reserved_bytes: Greatest number of bytes that torch reserved on the GPU.
        host_peak_bytes: Resident bytes of this process; since its start if the kernel does not reset the peak.
    """

    device_peak_bytes: int | None
    device_reserved_bytes: int | None
    host_peak_bytes: int


def forget_peaks() -> None:
    """Reset the peaks."""
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
