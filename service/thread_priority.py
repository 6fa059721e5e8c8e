"""Which thread goes first where there are fewer cores than threads: the one that talks to the clients."""

import os
import sys
import threading

import structlog

_STEPS_BACK = 5  # of niceness: a third of the processor's time where two threads want all of it

_log = structlog.stdlib.get_logger("placefix.service")


def step_back() -> None:
    """Lets the event loop go before the thread that calls this, and before the threads that it will start.

    Decoding and computing keep every core busy for as long as there are pictures; then refusals, probes and metrics
    wait for the processor like everybody else, and answers that are ready lie about. They need little of it, if they
    get it at once. Only on Linux a thread has a priority of its own.
    """
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    try:
        niceness = min(19, os.getpriority(os.PRIO_PROCESS, thread) + _STEPS_BACK)
        os.setpriority(os.PRIO_PROCESS, thread, niceness)
    except OSError as error:  # a sandbox without this system call; all works without it, less evenly
        _log.info("threads keep their priority", thread=threading.current_thread().name, reason=error.strerror)
