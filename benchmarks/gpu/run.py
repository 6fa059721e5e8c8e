"""The parts in order and in time, in a process whose death does not end the run.

After an error of a GPU, all its work in that process fails, and a kernel may hang. Therefore a process runs parts until
one fails; then a new process takes its place. A process that hangs is killed.
"""

import os
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from benchmarks.gpu.memory import forget_peaks, peaks
from benchmarks.gpu.outcome import Lacking
from benchmarks.gpu.parts import Part
from benchmarks.gpu.setting import Setting

Result = dict[str, Any]
"""The state (``done``, ``failed``, ``stopped``, ``skipped``), a note, seconds, checks, figures and memory of a part."""

GRACE_S = 25.0
"""Seconds beyond its time after which a part is stopped, so that a running test can finish."""


def run_parts(
    parts: Sequence[Part], setting: Setting, budget_s: float, on_result: Callable[[str, Result], None]
) -> None:
    """Run the parts in their order.

    Args:
        parts: The parts; one that needs more time than is left is skipped, and later ones may need less.
        setting: The sizes of the parts.
        budget_s: The seconds for all together.
        on_result: A function that receives each result at once.
    """
    end_s = time.monotonic() + budget_s
    worker: _Worker | None = None
    try:
        for part in parts:
            left_s = end_s - time.monotonic()
            if left_s < part.needs_s:
                on_result(part.name, _result("skipped", f"no time left: {left_s:.0f} s, and it needs {part.needs_s:g}"))
                continue
            worker = worker or _Worker(setting)
            result = worker.do(part, end_s)
            on_result(part.name, result)
            if result["state"] in ("failed", "stopped"):
                worker.end()
                worker = None
    finally:
        if worker is not None:
            worker.end()


def _result(state: str, note: str = "", **more: Any) -> Result:
    return {"state": state, "note": note, "duration_s": 0.0, "checks": [], "figures": {}, **more}


class _Worker:
    """Run parts in a process."""

    def __init__(self, setting: Setting) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(target=_do_parts, args=(theirs, setting))
        self._process.start()
        theirs.close()  # so that its end is noticed

    def do(self, part: Part, end_s: float) -> Result:
        """Run a part, or stop the process."""
        start_s = time.monotonic()
        try:
            self._connection.send((part, end_s))
            if self._connection.poll(max(0.0, end_s - start_s) + GRACE_S):
                result: Result = self._connection.recv()
            else:
                result = _result("stopped", "it did not come to an end in time")
        except (EOFError, OSError):
            self._process.join()
            result = _result("failed", f"its process ended with status {self._process.exitcode}")
        return {**result, "duration_s": time.monotonic() - start_s}

    def end(self) -> None:
        """Stop the process, and all processes that it started."""
        self._connection.close()
        with suppress(ProcessLookupError):  # it may have ended, or may not have its own process group yet
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.kill()
        self._process.join()


def _do_parts(connection: Connection, setting: Setting) -> None:
    """Run the parts that arrive until the connection closes."""
    os.setpgrp()  # a server or pytest of a part ends with it
    while True:
        try:
            part, end_s = connection.recv()
        except EOFError:
            return
        connection.send(_measured(part, setting, end_s))


def _measured(part: Part, setting: Setting, end_s: float) -> Result:
    forget_peaks()
    try:
        outcome = part.measure(setting, end_s)
    except Lacking as error:
        return _result("skipped", str(error))
    except Exception as error:  # noqa: BLE001 - any error of a part must not stop the others
        traceback.print_exc()
        return _result("failed", f"{type(error).__name__}: {error}")
    checks = [check.to_json() for check in outcome.checks]
    return _result("done", checks=checks, figures=outcome.figures, memory=asdict(peaks()))
