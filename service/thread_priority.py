"""Which thread goes first where there are fewer cores than threads: the one that talks to the clients."""

import os
import sys
import threading

_STEPS_BACK = 5  # of niceness: a third of the processor's time where two threads want all of it


def step_back() -> None:
    """Lets the event loop go before the thread that calls this, and before the threads that it will start.

    Decoding and computing keep every core busy for as long as there are pictures; then refusals, probes and metrics
    wait for the processor like everybody else, and answers that are ready lie about. They need little of it, if they
    get it at once. Only on Linux a thread has a priority of its own.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        niceness = min(19, os.getpriority(os.PRIO_PROCESS, thread) + _STEPS_BACK)
        os.setpriority(os.PRIO_PROCESS, thread, niceness)
