"""Record figures of a test, which the summary of the run prints; no test asserts them, since machines differ."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Record = Callable[[str, object], None]
"""The fixture ``record_property``: a function that takes name and value of a figure."""


@contextmanager
def timed(record: Record, name: str) -> Iterator[None]:
    """Record how many seconds a block takes that ends without an error."""
    began_at = time.monotonic()
    yield
    record(name, f"{time.monotonic() - began_at:.1f}")


def record_queries(record: Record, times_s: Sequence[float], failed: int = 0) -> None:
    """Record the number of queries, how many of them failed, and how long they took."""
    record("queries", len(times_s))
    record("failed", failed)
    record("median_s", f"{statistics.median(times_s):.3f}")
    record("longest_s", f"{max(times_s):.2f}")
