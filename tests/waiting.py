"""Wait for other threads and processes."""

import time
from collections.abc import Callable

PATIENCE_S = 120


def wait_until(is_true: Callable[[], object], tell: Callable[[], object] = lambda: "it did not become true") -> None:
    """Ask again and again; fail after :data:`PATIENCE_S` seconds with the words of ``tell``."""
    end = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < end, f"after {PATIENCE_S} s: {tell()}"
        time.sleep(0.02)
