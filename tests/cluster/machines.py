"""Machines of a cluster of Ray that are all this one: each has an address of the loopback and a folder of its own."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.cluster.processes import below, is_running, wait_for
from tests.end_to_end.conftest import free_port

HEAD = "127.0.0.2"  # Ray replaces 127.0.0.1 by the address of the machine
ANY_PORTS = ("--dashboard-agent-listen-port=0", "--min-worker-port=0", "--max-worker-port=0")

_STARTED = "Ray runtime started."
_MOST_STARTS = 5


class Machine:
    """Run ``ray start``, until all its processes are killed at once; a machine that starts again has a new folder.

    Attributes:
        address: The address of the machine.
    """

    def __init__(self, address: str, *options: str) -> None:
        self.address = address
        self._options = options
        self._ray: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None

    @property
    def process(self) -> int:
        """Return the process below which all others of the machine are."""
        assert self._ray is not None
        return self._ray.pid

    def start(self) -> None:
        """Start Ray; on a busy machine it gives up after 30 s, which no setting changes, so try again."""
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats", *ANY_PORTS]
        for _ in range(_MOST_STARTS):
            self._folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: it has sockets
            own = (f"--node-ip-address={self.address}", f"--temp-dir={self._folder}", *self._options)
            said = self._folder / "said"
            with said.open("wb") as file:
                self._ray = subprocess.Popen([*command, *own], stdout=file, stderr=file, start_new_session=True)
            wait_for(lambda: self._has_ended or _STARTED in said.read_text(), said.read_text)  # noqa: B023
            if not self._has_ended:
                return
            told = said.read_text()
            self.kill()
        pytest.fail(f"Ray does not start at {self.address}: {told}")

    def hang(self) -> None:
        """Stop all processes of the machine, as if it had lost its network."""
        self._send(signal.SIGSTOP)

    def kill(self) -> None:
        """Kill all processes of the machine, if it runs, and remove its folder."""
        if self._ray is None:
            return
        assert self._folder is not None
        processes = self._send(signal.SIGKILL)
        self._ray.wait()
        self._ray = None
        wait_for(lambda: not any(map(is_running, processes)))
        shutil.rmtree(self._folder, ignore_errors=True)

    def _send(self, number: signal.Signals) -> list[int]:
        """Send a signal to all processes, and return them."""
        processes = [self.process, *below(self.process)]
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, number)
        return processes

    @property
    def _has_ended(self) -> bool:
        assert self._ray is not None
        return self._ray.poll() is not None


@dataclass(frozen=True)
class Cluster:
    """Hold the machines of a cluster.

    Attributes:
        address: The address at which it is joined.
        head: The machine with the state of the cluster, and without replicas.
        machines: The machines with replicas, one of each shard.
    """

    address: str
    head: Machine
    machines: tuple[Machine, ...]


@cache
def _token() -> str:
    """Return the token of all clusters: a process that has joined one keeps its token. Ray makes none in this mode."""
    return secrets.token_hex(32)


@contextmanager
def started_cluster(
    *options: str, machines: Sequence[Sequence[str]] = (), variables: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """Start a cluster, which all processes that begin within the block join by their environment.

    Args:
        options: Options of ``ray start`` on the head.
        machines: The options on each other machine.
        variables: Variables of the environment of all of them.
    """
    port = free_port()
    address = f"{HEAD}:{port}"
    of_all = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": _token(),
        "RAY_worker_niceness": "0",  # else they wait for all that this process does
    }
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in (of_all | dict(variables or {})).items():
            patch.setenv(name, value)
        head = Machine(HEAD, "--head", f"--port={port}", "--include-dashboard=false", *options)
        others = tuple(
            Machine(f"127.0.0.{number}", f"--address={address}", *own) for number, own in enumerate(machines, start=3)
        )
        for machine in (head, *others):
            stack.callback(machine.kill)
            machine.start()
        patch.setenv("RAY_ADDRESS", address)
        yield Cluster(address, head, others)
