"""Limit the time that stopping may take, all its steps together."""

import math
import time
from collections.abc import Callable


class GracePeriod:
    """Begin when the service is told to stop; each step of stopping gets the time that earlier steps have left."""

    def __init__(self, length_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._length_s = length_s
        self._clock = clock
        self._end_at: float | None = None

    def begin(self, at_most_s: float = math.inf) -> None:
        """Begin; if the period has begun already, only shorten it."""
        end_at = self._clock() + min(self._length_s, at_most_s)
        self._end_at = end_at if self._end_at is None else min(self._end_at, end_at)

    @property
    def left_s(self) -> float:
        """Return the seconds that are left; all of them before it begins."""
        return self._length_s if self._end_at is None else max(0.0, self._end_at - self._clock())
