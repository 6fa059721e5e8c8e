"""Who gets which core, so that the clients take nothing from the server, and are punctual themselves."""

import gc
import os

from model.errors import InvalidInput

SERVER_CORE, CLIENT_CORE = 0, 1


def take_client_core() -> None:
    """Keeps this process, which sends the requests, to a core of its own, and its garbage collector from long pauses.

    Raises:
        InvalidInput: There is only one.
    """
    if (os.cpu_count() or 1) < 2:
        raise InvalidInput("two cores are needed: one for the server, one for the clients")
    os.sched_setaffinity(0, {CLIENT_CORE})
    gc.collect()
    gc.freeze()
