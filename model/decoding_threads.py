"""Threads that decode pictures beside the thread that owns the network, or decode and encode them.

Each keeps to one core. By default, torch would split every small step of resizing among threads, and each decoder
has its own. These threads wait for work by spinning, on the cores that the network needs. OpenMP then counts more
threads than cores, and lets the network's threads sleep between its steps. A small network with short steps becomes
half as slow again.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

_MOST = 8  # more threads would only wait for the memory


def default_decoders() -> int:
    """Return the number of cores, up to a limit."""
    return min(_MOST, os.cpu_count() or 1)


def keep_to_one_core() -> None:
    """Make torch do all work of the calling thread in this thread.

    A thread that uses torch for the first time takes the last value that any thread has set. The owner of the network
    therefore reads its number of threads before (``torch.get_num_threads``).
    """
    torch.set_num_threads(1)


@contextmanager
def decoding_threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Yield threads for the block; at its end, tasks that have not begun are cancelled.

    Args:
        count: The number of threads.

    Yields:
        The pool. The caller's number of torch threads is unchanged.
    """
    threads = torch.get_num_threads()  # fixes the caller's number
    pool = ThreadPoolExecutor(count, thread_name_prefix="decode", initializer=keep_to_one_core)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(threads)  # for threads that begin later
