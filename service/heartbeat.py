"""Whether a thread that ought to be working still is, and somebody who looks."""

import threading
import time
from collections.abc import Callable

_LOOKS = 4  # in the time after which a thread counts as stuck
_LONGEST_LOOK_S = 1.0


class Heartbeat:
    """Of one thread, which beats while it works; any thread may ask.

    Attributes:
        stuck_after_s: Seconds between two beats after which the thread counts as stuck.
    """

    def __init__(self, stuck_after_s: float) -> None:
        self.stuck_after_s = stuck_after_s
        self._at: float | None = None

    def beat(self) -> None:
        """The thread works, and has come a step further."""
        self._at = time.monotonic()

    def rest(self) -> None:
        """The thread has nothing to do, and cannot be stuck."""
        self._at = None

    @property
    def working_s(self) -> float:
        """Seconds since the last beat; 0 while the thread rests."""
        at = self._at
        return 0.0 if at is None else time.monotonic() - at

    @property
    def is_stuck(self) -> bool:
        """Whether the last beat is too long ago."""
        return self.working_s > self.stuck_after_s


class Watchdog:
    """A thread that looks at a heartbeat, and says once that it has stopped."""

    def __init__(self, heartbeat: Heartbeat, on_stuck: Callable[[], None]) -> None:
        """Prepares the thread; ``start`` starts it.

        Args:
            heartbeat: What is looked at.
            on_stuck: Called from this thread, at most once.
        """
        self._heartbeat = heartbeat
        self._on_stuck = on_stuck
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="placefix-watchdog", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Looks no more."""
        self._stop.set()

    def _run(self) -> None:
        interval_s = min(_LONGEST_LOOK_S, self._heartbeat.stuck_after_s / _LOOKS)
        while not self._stop.wait(interval_s):
            if self._heartbeat.is_stuck:
                self._on_stuck()
                return
