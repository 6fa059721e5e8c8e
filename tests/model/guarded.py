"""Arrays beside memory that ends the process when it is touched."""

import ctypes
import mmap

import numpy as np


class Guarded:
    """Hold arrays that lie directly before or behind memory that nobody may touch.

    Args:
        at_end: Whether each array ends where the forbidden memory begins; otherwise it begins where that ends.
    """

    def __init__(self, *, at_end: bool) -> None:
        self._at_end = at_end
        self._maps: list[mmap.mmap] = []

    def array(self, shape: tuple[int, ...], kind: str) -> np.ndarray:
        page, size = mmap.PAGESIZE, int(np.prod(shape)) * np.dtype(kind).itemsize
        pages = -(-size // page)
        memory = mmap.mmap(-1, (pages + 2) * page)
        self._maps.append(memory)
        whole = np.frombuffer(memory, np.uint8)
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for first in (0, pages + 1):
            assert (
                protect(whole.ctypes.data + first * page, page, mmap.PROT_NONE if hasattr(mmap, "PROT_NONE") else 0)
                == 0
            )
        start = (pages + 1) * page - size if self._at_end else page
        return whole[start : start + size].view(kind).reshape(shape)

    def copy(self, values: np.ndarray) -> np.ndarray:
        array = self.array(values.shape, values.dtype.str)
        array[...] = values
        return array
