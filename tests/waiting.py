"""Waits for what other threads and processes bring about."""

import time
from collections.abc import Callable


def wait_until(
    is_true: Callable[[], object],
    tell: Callable[[], object] = lambda: "it did not become true",
    *,
    timeout_s: float = 60,
    interval_s: float = 0.02,
) -> None:
    """Asks again and again; fails after ``timeout_s`` with what ``tell`` says."""
    end = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < end, f"after {timeout_s:.0f} s: {tell()}"
        time.sleep(interval_s)
