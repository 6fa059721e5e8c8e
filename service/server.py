"""Run the application in uvicorn, in this process, until it is told to stop or fails."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import structlog
import uvicorn

from model.errors import InvalidInput
from service.app import create_app
from service.http_protocol import LimitedHttpProtocol
from service.http_settings import ANY_ORIGIN
from service.key_file import WatchedKeys
from service.runtime import Runtime
from service.samples import Sample
from service.settings import ServiceSettings

_BACKLOG = 2048
_FAILURE_GRACE_S = 2  # for answers that are on their way when the worker has died
_THREADS_GRACE_S = 1  # for threads that have nothing to do any more

_log = structlog.stdlib.get_logger("placefix.service")


class _Server(uvicorn.Server):
    """Report that the service is stopping as soon as the signal comes, before anything closes."""

    def __init__(self, config: uvicorn.Config, runtime: Runtime) -> None:
        super().__init__(config)
        self._runtime = runtime
        self._exit_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop on SIGTERM after the delay; stop at once on SIGINT, or if told again."""
        self._runtime.begin_draining()
        drain_delay_s = self._runtime.settings.drain_delay_s
        if sig == signal.SIGTERM and drain_delay_s and self._exit_at is None:
            self._exit_at = time.monotonic() + drain_delay_s
            return
        super().handle_exit(sig, frame)

    def give_up(self) -> None:
        """End the server, with a shorter wait for late requests."""
        self.config.timeout_graceful_shutdown = _FAILURE_GRACE_S
        self._runtime.grace_period.begin(_FAILURE_GRACE_S)
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Answer ten times a second whether to end."""
        if self._exit_at is not None and time.monotonic() >= self._exit_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin the time that stopping may take; uvicorn and the worker share it."""
        self._runtime.grace_period.begin()
        await super().shutdown(sockets)


def run_server(settings: ServiceSettings, samples: Sequence[Sample] = ()) -> None:
    """Serve until SIGTERM or SIGINT, then answer the queries in flight, and return.

    Args:
        settings: Limits, defaults, and the network and maps to load.
        samples: The pictures to offer, already read from the folder of the settings.

    Raises:
        InvalidInput: The address cannot be listened on, or the file of keys cannot be used.
        BaseException: The error that made loading fail, or ended the worker.
    """

    def stop() -> None:
        server.give_up()

    app = create_app(settings, on_failure=stop, offered=samples)
    runtime: Runtime = app.state.runtime
    keys: WatchedKeys | None = app.state.keys
    server = _Server(make_config(app, settings), runtime)
    if keys is None and ANY_ORIGIN in settings.cors_origins:
        _log.warning(
            "PAGES OF ALL ORIGINS MAY ASK: each site that is opened by anybody who reaches the service",
            remedy="name the origins of your own pages in PLACEFIX_CORS_ORIGINS, or have keys with --keys FILE",
        )
    if keys is None and not settings.is_local:
        _log.warning(
            "THE SERVICE IS OPEN: anybody who reaches it may ask, and see the pictures of its maps",
            host=settings.published_host or settings.host,
            remedy="placefix keys create --file FILE, then --keys FILE; or listen on 127.0.0.1 behind a proxy",
        )
    threads = set(threading.enumerate())
    with _listen(settings.host, settings.port) as listener, _ignoring_repeated_signals(), _reading_keys_on_hangup(keys):
        host, port, *_ = listener.getsockname()
        _log.info("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}")
        server.run(sockets=[listener])
    _end_hanging_threads(threads, has_failed=runtime.failure is not None)
    if runtime.failure is not None:
        raise runtime.failure


def _end_hanging_threads(before: Collection[threading.Thread], *, has_failed: bool) -> None:
    """End the process at once if a thread hangs for which Python would wait, such as one that reads from a dead share.

    Args:
        before: The threads from before the server, which it does not touch.
        has_failed: Whether the exit code tells a failure.
    """
    started = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    end_at = time.monotonic() + _THREADS_GRACE_S
    for thread in started:
        thread.join(max(0.0, end_at - time.monotonic()))
    if hanging := [thread.name for thread in started if thread.is_alive()]:
        _log.error("threads hang, and the process ends without them", threads=hanging)
        logging.shutdown()
        os._exit(int(has_failed))


def _listen(host: str, port: int) -> socket.socket:
    """Take the address before anything is loaded, so that a wrong one is an error at once; ``::`` takes IPv4, too."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        raise InvalidInput(
            f"cannot listen on {host}, port {port}: {_reason(error)}; choose another with --port or --host"
        ) from error


def _reason(error: OSError) -> str:
    """Return the system's words alone: ``create_server`` adds the address, which is in the sentence already."""
    if error.errno is None or isinstance(error, socket.gaierror):
        return str(error.strerror or error)
    return os.strerror(error.errno)


def make_config(app: object, settings: ServiceSettings) -> uvicorn.Config:
    """Return uvicorn's configuration: one process, no WebSockets, our own log lines."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=settings.host,
        port=settings.port,
        http=LimitedHttpProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,  # type: ignore[arg-type]  # it counts no whole seconds
        timeout_graceful_shutdown=settings.shutdown_grace_s,
    )


@contextmanager
def _ignoring_repeated_signals() -> Iterator[None]:
    """Let a stopped server end as a success.

    Once it has stopped, uvicorn raises the signal that stopped it again, for the handlers from before; the default ones
    would end the process like a kill.
    """
    signals = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: None) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _reading_keys_on_hangup(keys: WatchedKeys | None) -> Iterator[None]:
    """Read the keys again on SIGHUP, as servers do; without keys the signal ends the process, as it always does."""
    if keys is None:
        yield
        return
    before = signal.signal(signal.SIGHUP, lambda *_: keys.ask_again())
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
