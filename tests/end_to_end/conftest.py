"""A real server in a process of its own, asked over a real socket."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]
FROM_CHECKOUT = (sys.executable, "-m", "placefix")


def run_placefix(*arguments: object, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs a command of the command line, and checks its exit code."""
    command = [*FROM_CHECKOUT, *map(str, arguments)]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == exit_code, f"{result.returncode}\n{result.stdout}\n{result.stderr}"
    return result


@contextmanager
def serving(
    log: Path,
    *arguments: object,
    start: Sequence[object] = (sys.executable, "-m", "placefix"),
    folder: Path = REPOSITORY,
) -> Iterator[httpx.Client]:
    """Serves maps until the block ends; yields a client that is bound to the server, once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(each) for each in (*start, "serve", "--port", port, *arguments)]
    environment = os.environ | {"PLACEFIX_HOST": "127.0.0.1"}
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                _wait_until_ready(client, process, log)
                yield client
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            finally:
                process.kill()


def _wait_until_ready(client: httpx.Client, process: "subprocess.Popen[bytes]", log: Path) -> None:
    def is_ready_or_gone() -> bool:
        if process.poll() is not None:
            return True
        try:
            return client.get("/health/ready").status_code == 200
        except httpx.TransportError:  # not listening yet
            return False

    wait_until(is_ready_or_gone, log.read_text)
    assert process.poll() is None, (
        f"the server stopped with {process.returncode} before it was ready:\n{log.read_text()}"
    )


Serve = Callable[..., httpx.Client]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers that stop when the test ends."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(serving(tmp_path / "server.log", *arguments))
