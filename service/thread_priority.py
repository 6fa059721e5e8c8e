"""Give the thread that talks to the clients priority if there are fewer cores than threads."""

import os
import sys
import threading

import structlog

_NICENESS = 5  # more than others: a third of the processor's time if two threads want all of it

_log = structlog.stdlib.get_logger("placefix.service")


def lower_priority() -> None:
    """Lower the priority of the calling thread, and of the threads that it will start, below the event loop's.

    Decoding and computing keep every core busy as long as there are pictures; then refusals, probes, metrics and
    finished answers wait for the processor. They need little of it, but at once. Only on Linux does a thread have its
    own priority.
    """
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    try:
        niceness = min(19, os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS)
        os.setpriority(os.PRIO_PROCESS, thread, niceness)
    except OSError as error:  # a sandbox without this system call; all works without it, less evenly
        _log.info("threads keep their priority", thread=threading.current_thread().name, reason=error.strerror)
