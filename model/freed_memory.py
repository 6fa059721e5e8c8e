"""The memory that a network's steps free, kept by this process for its next steps.

By default, glibc gives freed blocks of some megabytes back to the system. The system clears each page again when a step
first writes to it, and a small network spends a third of its time there. Other allocators keep freed memory by
themselves, so nothing is done where the C library has no ``mallopt``.
"""

import ctypes
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of parameters, from malloc.h

_KEPT_BYTES = 256 * 2**20  # free memory at the end of a heap; more goes back to the system
_LARGEST_BYTES = 32 * 2**20  # a larger block is memory of its own; glibc takes no greater value


@cache
def keep_freed_memory() -> bool:
    """Make this process keep freed memory.

    Returns:
        Whether the C library agreed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return False
    return all(mallopt(*each) for each in ((_TRIM_THRESHOLD, _KEPT_BYTES), (_MMAP_THRESHOLD, _LARGEST_BYTES)))
