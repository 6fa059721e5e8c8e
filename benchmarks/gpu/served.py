"""The service in this process, over a real socket, so that its memory on the device can be measured."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from service.app import create_app
from service.logs import configure_logging
from service.runtime import Runtime
from service.server import make_config
from service.settings import ServiceSettings

_START_TIMEOUT_S = 120.0
_LOOK_S = 0.05


@dataclass(frozen=True)
class Served:
    """Describe a ready service.

    Attributes:
        url: The address of the service.
        runtime: The runtime of the service.
        ready_s: The seconds from its start until it was ready.
    """

    url: str
    runtime: Runtime
    ready_s: float


@contextmanager
def serving(settings: ServiceSettings) -> Iterator[Served]:
    """Serve until the block ends.

    Raises:
        TimeoutError: The service did not become ready.
        BaseException: The error that made loading fail.
    """
    configure_logging("console", "warning")
    start_s = time.monotonic()
    app = create_app(settings)
    runtime: Runtime = app.state.runtime
    server = uvicorn.Server(make_config(app, settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not runtime.is_ready:
                if runtime.failure is not None:
                    raise runtime.failure
                if not thread.is_alive() or time.monotonic() - start_s > _START_TIMEOUT_S:
                    raise TimeoutError("the service did not become ready")
                time.sleep(_LOOK_S)
            yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", runtime, time.monotonic() - start_s)
        finally:
            server.should_exit = True
            thread.join()
