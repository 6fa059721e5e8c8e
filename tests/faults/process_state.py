"""Read the memory, the open files and the threads of this process."""

import ctypes
import gc
import os
import threading
from dataclasses import dataclass
from pathlib import Path

_M_MMAP_THRESHOLD = -3  # a parameter of mallopt


def give_back_large_pieces() -> None:
    """Make the allocator return blocks above a megabyte to the system as soon as they are free.

    Otherwise glibc keeps the space of decoded pictures for the next ones, in an arena of each thread, and how much that
    is depends on which of them were decoded at a time: some ten megabytes more or less, which would hide a leak.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 1_000_000)


@dataclass(frozen=True)
class ProcessState:
    """Hold the state of the process at one moment.

    Attributes:
        resident_bytes: The bytes of memory in use.
        open_files: The targets of its file descriptors.
        threads: Their names.
    """

    resident_bytes: int
    open_files: tuple[str, ...]
    threads: tuple[str, ...]

    @classmethod
    def now(cls) -> "ProcessState":
        """Return the state after Python and the allocator have freed unused memory."""
        gc.collect()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(pages * os.sysconf("SC_PAGE_SIZE"), _open_files(), _threads())

    def left_over(self) -> list[str]:
        """Return the files that are open now and were not open before."""
        files, threads = list(_open_files()), list(_threads())
        for then, now in ((self.open_files, files), (self.threads, threads)):
            for name in then:
                if name in now:
                    now.remove(name)
        return [*files, *threads]


def _open_files() -> tuple[str, ...]:
    found = []
    for path in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(path)  # noqa: PTH115  (not a path: "socket:[123]")
        except FileNotFoundError:  # the descriptor of the listing itself
            continue
        found.append(target)
    return tuple(sorted(target for target in found if not target.endswith("/fd")))


def _threads() -> tuple[str, ...]:
    return tuple(sorted(thread.name for thread in threading.enumerate()))
