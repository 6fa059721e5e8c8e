"""A clock that goes on only when it is told to."""

from dataclasses import dataclass


@dataclass
class FakeClock:
    """To be called as ``time.monotonic`` is.

    Attributes:
        now: What it shows, in seconds.
    """

    now: float = 0.0

    def __call__(self) -> float:
        return self.now
