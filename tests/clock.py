"""A clock that goes on only when it is told to."""

from dataclasses import dataclass


@dataclass
class FakeClock:
    """Stand in for ``time.monotonic``.

    Attributes:
        now: The time that it shows, in seconds.
    """

    now: float = 0.0

    def __call__(self) -> float:
        return self.now
