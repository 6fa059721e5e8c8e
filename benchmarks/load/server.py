"""``placefix serve`` in its own process, on its own core."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from model.errors import InvalidInput

_START_TIMEOUT_S = 120


@dataclass(frozen=True)
class Server:
    """Describe a running server.

    Attributes:
        url: The address of the server.
        process: The process.
    """

    url: str
    process: "subprocess.Popen[bytes]"

    @property
    def resident_bytes(self) -> int:
        """Return the memory of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024

    @property
    def open_files(self) -> int:
        """Return the number of its file descriptors."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def threads(self) -> int:
        """Return the number of its threads."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))


@contextmanager
def serving(map_path: Path, core: int | None, settings: Mapping[str, str]) -> Iterator[Server]:
    """Serve a map until the block ends.

    Args:
        map_path: The map.
        core: The core of the server; None for all cores.
        settings: Name of a setting in the environment without prefix → value.

    Raises:
        InvalidInput: The server did not become ready.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {f"PLACEFIX_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "placefix", "serve", "--map", str(map_path), "--port", str(port)]
    process = subprocess.Popen(  # noqa: S603  (our own command)
        command,
        env=environment | {"OMP_NUM_THREADS": "1", "PLACEFIX_LOG_LEVEL": "error"},
        preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),  # noqa: PLW1509  (no threads yet)
    )
    try:
        server = Server(f"http://127.0.0.1:{port}", process)
        _wait_until_ready(server)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_ready(server: Server) -> None:
    end = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < end and server.process.poll() is None:
        try:
            if httpx.get(f"{server.url}/health/ready").is_success:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.05)
    raise InvalidInput("the server did not become ready; start it by hand to see why: placefix serve")
