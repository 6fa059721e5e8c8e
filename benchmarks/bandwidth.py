"""The greatest bandwidth of memory and disk, to compare gathering and counting with."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.encoding.floor import synchronize
from benchmarks.page_cache import forget

_COPIED_BYTES = 1 << 28  # much more than caches hold
_READ_BYTES = 1 << 30
_BLOCK_BYTES = 1 << 23
_REPEATS = 5


def memory_bytes_per_s(device: torch.device) -> float:
    """Return the greatest rate of a plain copy of a large buffer, counting bytes read and bytes written."""
    source = torch.ones(_COPIED_BYTES // 4, dtype=torch.float32, device=device)
    target = torch.zeros_like(source)  # now its pages exist

    def copy() -> None:
        target.copy_(source)
        synchronize(device)

    copy()
    return 2 * _COPIED_BYTES / min(_duration_s(copy) for _ in range(_REPEATS))


def disk_bytes_per_s(file: Path) -> float:
    """Return the greatest rate of reading a file that the system has forgotten, from its beginning.

    The whole file is announced first and then read in order, which gives the best rate of a disk.

    Args:
        file: A file that is not empty; its first gigabyte counts. A small file says little about the disk.
    """
    size = min(file.stat().st_size, _READ_BYTES)
    block = np.zeros(_BLOCK_BYTES, dtype=np.uint8)
    forget(file)
    descriptor = os.open(file, os.O_RDONLY)
    try:
        return size / _duration_s(lambda: _read(descriptor, size, block))
    finally:
        os.close(descriptor)


def _read(descriptor: int, size: int, block: NDArray[np.uint8]) -> None:
    for start in range(0, size, len(block)):
        os.posix_fadvise(descriptor, start, len(block), os.POSIX_FADV_WILLNEED)
    for start in range(0, size, len(block)):
        os.preadv(descriptor, [block.data], start)


def _duration_s(work: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s
