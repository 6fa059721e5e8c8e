"""Child processes that perform an operation, and may be killed at it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from signal import SIGKILL, Signals

import torch

from tests.child_processes import child_context
from tests.faults.disk_steps import DiskSteps
from tests.faults.operations import perform, small_encoder

PATIENCE_S = 120


@dataclass(frozen=True)
class Finished:
    """Return the output of a child that was not stopped.

    Attributes:
        steps: On the disk.
        duration_s: The seconds of the operation alone.
    """

    steps: int
    duration_s: float


@dataclass(frozen=True)
class Ended:
    """Describe the end of a child.

    Attributes:
        exit_code: 0, or minus the number of the signal that ended it.
        finished: Its message at its end; None if it did not reach the end.
    """

    exit_code: int
    finished: Finished | None


class Child:
    """Hold a process that performs an operation.

    Args:
        name: The operation.
        folder: Its scenario.
        map_dir: The map.
        stop_before: The step on the disk before which it gets the signal; None: it gets none.
        signal_number: Which.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        map_dir: Path,
        stop_before: int | None = None,
        signal_number: Signals = SIGKILL,
    ) -> None:
        context = child_context()
        self._messages, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(theirs, name, folder, map_dir, stop_before, signal_number))
        self._process.start()
        theirs.close()
        assert self._messages.poll(PATIENCE_S)
        assert self._messages.recv() == "begins"

    @property
    def process_id(self) -> int:
        """Return the id of the child."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Return whether it has not ended."""
        return self._process.is_alive()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def ended(self) -> Ended:
        """Wait until it ends."""
        self._process.join(PATIENCE_S)
        assert self._process.exitcode is not None
        try:
            finished: Finished | None = self._messages.recv()
        except EOFError:
            finished = None
        self._messages.close()
        return Ended(self._process.exitcode, finished)


def kill_after(child: Child, seconds: float, meanwhile: Callable[[], object]) -> Ended:
    """Kill a child some time after its start, and repeat an action until then."""
    deadline_s = time.monotonic() + seconds
    while child.is_alive and (left_s := deadline_s - time.monotonic()) > 0:
        meanwhile()
        time.sleep(min(0.002, left_s))
    child.kill()
    return child.ended()


def _work(
    messages: Connection, name: str, folder: Path, map_dir: Path, stop_before: int | None, signal_number: Signals
) -> None:
    torch.set_num_threads(1)
    encoder = small_encoder()
    steps = DiskSteps(map_dir.parent, stop_before, signal_number)
    messages.send("begins")
    start_s = time.perf_counter()
    perform(name, folder, map_dir, encoder)
    messages.send(Finished(steps.count, time.perf_counter() - start_s))
