"""A real server in a process of its own, asked over a real socket."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.child_processes import Program
from tests.waiting import wait_until

PATIENCE_S = 600.0


def run_placefix(log: Path, *arguments: object, exit_code: int = 0) -> str:
    """Run a command in a process of its own, check its exit code, and return the content of its output file."""
    with Program(*arguments, output=log) as process:
        assert process.wait(PATIENCE_S) == exit_code, log.read_text()
    return log.read_text()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def ready_client(port: int, poll: Callable[[], int | None], log: Path) -> Iterator[httpx.Client]:
    """Yield a client that is bound to a server, once it is ready.

    Args:
        port: Where the server listens.
        poll: Returns the exit code of the server's process if that has ended.
        log: Its output.
    """

    def is_ready_or_gone() -> bool:
        if poll() is not None:
            return True
        try:
            return client.get("/health/ready").status_code == 200
        except httpx.TransportError:  # not listening yet
            return False

    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        wait_until(is_ready_or_gone, log.read_text)
        assert poll() is None, f"the server stopped with {poll()} before it was ready:\n{log.read_text()}"
        yield client


@contextmanager
def serving(log: Path, *arguments: object) -> Iterator[httpx.Client]:
    """Serve maps until the block ends; yield a client that is bound to the server, once it is ready."""
    port = free_port()
    with (
        Program("serve", "--host", "127.0.0.1", "--port", port, *arguments, output=log) as process,
        ready_client(port, process.poll, log) as client,
    ):
        yield client


Serve = Callable[..., httpx.Client]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers that stop when the test ends."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(serving(tmp_path / "server.log", *arguments))
