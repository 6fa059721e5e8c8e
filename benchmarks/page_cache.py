"""The system's cache of a file in memory, and the way to drop it."""

import ctypes
import mmap
import os
from pathlib import Path

import numpy as np


def forget(file: Path) -> float:
    """Ask the system to drop a file from memory; return the share of the pages that are still there."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY) as mapped:
            pages = (ctypes.c_ubyte * -(-len(mapped) // mmap.PAGESIZE))()
            start = ctypes.c_char.from_buffer(mapped)
            failed = ctypes.CDLL(None).mincore(ctypes.byref(start), ctypes.c_size_t(len(mapped)), pages)
            del start  # otherwise the mapping could not be closed
            if failed:
                raise OSError("mincore failed")
        return float(np.mean(np.ctypeslib.as_array(pages) & 1))
    finally:
        os.close(descriptor)
