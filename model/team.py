"""The threads that run a kernel: those with which torch runs its own steps.

Torch's threads belong to GNU's OpenMP. They wait for the next step in a loop for some milliseconds, each on a core.
Threads of another pool would share the cores with them meanwhile, so a kernel between two steps of torch would take
up to twice its time. Where torch has no GNU OpenMP, kernels run in the calling thread alone.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import torch

_TASK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def run_in_team(function: int, task: int) -> None:
    """Call a function of machine code once in each of torch's threads; return when all calls have returned.

    Python's lock is released meanwhile.

    Args:
        function: The address of ``void function(void *task)``, which takes its items from a counter in the task.
        task: The address of the task.
    """
    threads, start = torch.get_num_threads(), _start()
    if threads == 1 or start is None:
        _TASK(function)(task)
    else:
        start(function, task, threads, 0)


def call_in_team(work: Callable[[], None]) -> None:
    """Call a function of Python once in each of torch's threads; return when all calls have returned.

    Args:
        work: A function that takes its items from a counter, and returns when no item is left.

    Raises:
        BaseException: The first error of a call; errors of other calls are dropped.
    """
    errors: list[BaseException] = []

    def guarded(_: int | None) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (raised again below; machine code cannot pass it on)
            errors.append(error)

    callback = _TASK(guarded)
    # ``ctypes.cast`` would tie objects into a circle, which keeps the arrays of the work until the next collection.
    run_in_team(ctypes.c_void_p.from_buffer(callback).value or 0, 0)
    if errors:
        raise errors[0]


@cache
def _start() -> Any:
    """Return the function of GNU's OpenMP that starts a team; None if torch has loaded none."""
    if sys.platform != "linux":
        return None
    try:
        start = ctypes.CDLL(None).GOMP_parallel
    except AttributeError:
        return None
    start.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    start.restype = None
    return start
