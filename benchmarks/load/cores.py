"""The assignment of cores, so that clients take no time from the server and are punctual."""

import gc
import os

from model.errors import InvalidInput

SERVER_CORE, CLIENT_CORE = 0, 1


def take_client_core() -> None:
    """Keep this process, which sends the requests, on its own core, and avoid long pauses of its garbage collector.

    Raises:
        InvalidInput: There is only one core.
    """
    if (os.cpu_count() or 1) < 2:
        raise InvalidInput("two cores are needed: one for the server, one for the clients")
    os.sched_setaffinity(0, {CLIENT_CORE})
    gc.collect()
    gc.freeze()
