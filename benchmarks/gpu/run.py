"""Does one part after the other, in time, in a process that may die without taking the run along.

After an error of a GPU nothing on it works any more in that process, and a kernel may hang. So a process does parts
until one fails, another takes its place, and one that does not come back is ended.
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
"""State (``done``, ``failed``, ``stopped``, ``skipped``), a note, seconds, checks, figures and memory of a part."""

GRACE_S = 25.0
"""Beyond its time, after which a part is ended: a test that has begun may come to its end."""


def run_parts(
    parts: Sequence[Part], setting: Setting, budget_s: float, on_result: Callable[[str, Result], None]
) -> None:
    """Do the parts in their order.

    Args:
        parts: One that needs more time than is left is skipped; those behind it may need less.
        setting: How large they are.
        budget_s: Seconds for all together.
        on_result: Is told each result as soon as it is known.
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
    """A process that does parts."""

    def __init__(self, setting: Setting) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(target=_do_parts, args=(theirs, setting))
        self._process.start()
        theirs.close()  # so that its end is noticed

    def do(self, part: Part, end_s: float) -> Result:
        """Have a part done, or end the process."""
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
        """End the process, and all that it has started."""
        self._connection.close()
        with suppress(ProcessLookupError):  # it may have ended, or not have come so far as to have a group of its own
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.kill()
        self._process.join()


def _do_parts(connection: Connection, setting: Setting) -> None:
    """Do what comes until nothing comes any more."""
    os.setpgrp()  # a server or pytest that a part has started ends with it
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
    except Exception as error:  # noqa: BLE001 - whatever a part meets, the others are done
        traceback.print_exc()
        return _result("failed", f"{type(error).__name__}: {error}")
    checks = [check.to_json() for check in outcome.checks]
    return _result("done", checks=checks, figures=outcome.figures, memory=asdict(peaks()))
