"""Threads that decode pictures beside the one that owns the network.

A decoder keeps to one core. Left to itself, torch would split every small step of resizing among threads that each
decoder has for itself. These wait for work, spinning, on the cores that the network needs; and OpenMP, which counts
more threads than cores, then lets the network's own threads go to sleep between any two of its steps. A small network,
whose steps are short, takes half as long again.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

_MOST = 8  # more of them only take turns on the memory


def default_decoders() -> int:
    """As many as there are cores, within reason."""
    return min(_MOST, os.cpu_count() or 1)


def keep_to_one_core() -> None:
    """Makes torch do all work of the calling thread in this thread.

    Threads that use torch for the first time later on take over what was set last, by whichever thread; who owns the
    network therefore asks for its number of threads before (``torch.get_num_threads``).
    """
    torch.set_num_threads(1)


@contextmanager
def decoding_threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads for as long as the block lasts; what has not begun at its end is not begun any more.

    Args:
        count: How many.

    Yields:
        The pool. The caller's own number of threads stays what it is.
    """
    threads = torch.get_num_threads()  # settles the caller's
    pool = ThreadPoolExecutor(count, thread_name_prefix="decode", initializer=keep_to_one_core)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(threads)  # for threads that begin later
