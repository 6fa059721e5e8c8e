"""All tests with the marker ``gpu``, run by pytest in its own process."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.gpu.outcome import Outcome
from benchmarks.gpu.setting import Setting

MARK = "mark.gpu"
PLUGIN = "benchmarks.gpu.pytest_outcomes"
OUTCOMES, DEADLINE = "GPU_TESTS_OUTCOMES", "GPU_TESTS_DEADLINE"
"""Environment variables: the file that the plugin writes, and the time after which it begins no more tests."""

_GRACE_S = 20.0  # for a test that began before the deadline


def measure_tests(setting: Setting, deadline_s: float) -> Outcome:
    """Run the marked tests, and count their outcomes; tests without enough time are skipped with a reason."""
    files = setting.tests or marked_files(Path("tests"))
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "outcomes.jsonl"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "-p", PLUGIN, *files]
        # Plugins of other installed projects are not loaded.
        environment = os.environ | {
            OUTCOMES: str(told),
            DEADLINE: str(deadline_s),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        timeout_s = max(0.0, deadline_s - time.monotonic()) + _GRACE_S
        try:
            finished = subprocess.run(command, env=environment, check=False, timeout=timeout_s)  # noqa: S603  (our own)
            status: int | None = finished.returncode
        except subprocess.TimeoutExpired:
            status = None
        tests = read_outcomes(told)
    counts = Counter(each["outcome"] for each in tests)
    outcome.figures = {
        "files": list(files),
        "status": status,
        **{name: counts[name] for name in ("passed", "failed", "skipped")},
        "tests": tests,
    }
    outcome.check("tests marked gpu that failed", counts["failed"], 0)
    # 1 means failed tests; other codes mean that pytest could not continue.
    outcome.check("runs of pytest that did not come to their end", status not in (0, 1), 0)
    return outcome


def marked_files(tests: Path) -> tuple[str, ...]:
    """Return the files with a marked test: other files may need software that the machine lacks."""
    return tuple(str(path) for path in sorted(tests.rglob("test_*.py")) if MARK in path.read_text("utf-8"))


def read_outcomes(path: Path) -> list[dict[str, Any]]:
    """Return the outcomes that the plugin wrote, also for a run that was stopped."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.endswith("}")]
