"""One thread that looks whether the work for queries gets on, wherever it is done."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.errors import ServiceError

_LOOKS = 4  # in the time after which work counts as stuck
_LONGEST_LOOK_S = 1.0


class Watchdog:
    """Watches the work of any threads, and tells once of a piece that makes no progress."""

    def __init__(self, stuck_after_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stuck_after_s = stuck_after_s
        self._clock = clock
        self._pieces: dict[object, tuple[ServiceError, float]] = {}  # what it means if it is stuck, and its last beat
        self._has_ended = threading.Event()

    @contextmanager
    def watching(self, kind: type[ServiceError], who: str) -> Iterator[Callable[[], None]]:
        """Watch the block as a piece of work.

        Args:
            kind: What ends the service if the work is stuck.
            who: Does the work; for the sentence of the error.

        Yields:
            A function for the work to call with each step that it has got on.
        """
        piece, error = object(), kind(f"{who} has made no progress for {self._stuck_after_s:g} seconds")

        def beat() -> None:
            self._pieces[piece] = error, self._clock()

        beat()
        try:
            yield beat
        finally:
            del self._pieces[piece]

    def find_stuck(self) -> ServiceError | None:
        """Look once; return the error of a piece of work that is stuck."""
        latest = self._clock() - self._stuck_after_s
        return next((error for error, beat_at in self._pieces.copy().values() if beat_at < latest), None)

    def start(self, on_stuck: Callable[[ServiceError], None]) -> None:
        """Look again and again, until something is stuck; the function is called from the watchdog's own thread."""

        def look() -> None:
            while not self._has_ended.wait(min(_LONGEST_LOOK_S, self._stuck_after_s / _LOOKS)):
                if (error := self.find_stuck()) is not None:
                    on_stuck(error)
                    return

        threading.Thread(target=look, name="placefix-watchdog", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._has_ended.set()
