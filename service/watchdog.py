"""Watch on one thread whether the work for queries makes progress."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.errors import ServiceError

_LOOKS = 4  # looks in the time after which work counts as stuck
_LONGEST_LOOK_S = 1.0


class Watchdog:
    """Watch the work on any threads, and report once a piece that makes no progress."""

    def __init__(self, stuck_after_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stuck_after_s = stuck_after_s
        self._clock = clock
        self._pieces: dict[
            object, tuple[ServiceError, float]
        ] = {}  # piece → the error if it is stuck, and its last beat
        self._has_ended = threading.Event()

    @contextmanager
    def watching(self, kind: type[ServiceError], who: str) -> Iterator[Callable[[], None]]:
        """Watch the block as a piece of work.

        Args:
            kind: The error that ends the service if the work is stuck.
            who: The worker, for the sentence of the error.

        Yields:
            A function that the work calls with each step of progress.
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
        """Look again and again, until work is stuck; the watchdog's own thread calls the function."""

        def look() -> None:
            while not self._has_ended.wait(min(_LONGEST_LOOK_S, self._stuck_after_s / _LOOKS)):
                if (error := self.find_stuck()) is not None:
                    on_stuck(error)
                    return

        threading.Thread(target=look, name="placefix-watchdog", daemon=True).start()

    def stop(self) -> None:
        """End looking."""
        self._has_ended.set()
