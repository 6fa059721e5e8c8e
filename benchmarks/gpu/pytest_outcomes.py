"""A plugin of pytest that writes the outcome of each test at once, and begins no test after a deadline."""

import json
import os
import time
from pathlib import Path

import pytest

from benchmarks.gpu.marked_tests import DEADLINE, OUTCOMES


def pytest_runtest_setup(item: pytest.Item) -> None:  # noqa: ARG001  (pytest gives it by this name)
    """Skip a test if there is not enough time."""
    if time.monotonic() > float(os.environ[DEADLINE]):
        pytest.skip("no time left")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write one line for a test after it has run, or after it failed or was skipped earlier."""
    if report.when != "call" and report.passed:
        return
    line = {"test": report.nodeid, "outcome": report.outcome, "duration_s": round(report.duration, 3)}
    if not report.passed:
        line["reason"] = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)[-500:]
    with Path(os.environ[OUTCOMES]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
