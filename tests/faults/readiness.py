"""Ask again and again whether a server is ready, as a load balancer does."""

import threading
import time
from types import TracebackType
from typing import Self

import httpx

_INTERVAL_S = 0.01


class Readiness:
    """Ask from a thread of its own, while the block lasts.

    Attributes:
        answers: When each was asked, on the clock of ``time.monotonic``, and the status; 0 where nobody answered.
    """

    def __init__(self, url: str) -> None:
        self.answers: list[tuple[float, int]] = []
        self._url = f"{url}/health/ready"
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._has_ended.set()
        self._thread.join()

    @property
    def status(self) -> int:
        """Wait for the latest answer, and return it."""
        return self.answers[-1][1] if self.answers else 0

    def not_ready_at(self, since: float) -> float:
        """Return the time at which it was first not ready."""
        return next(asked_at for asked_at, status in self.answers if asked_at > since and status != 200)

    def statuses(self, since: float) -> list[int]:
        """Return the statuses from then on, in their order, each once in a row."""
        found: list[int] = []
        for asked_at, status in self.answers:
            if asked_at > since and found[-1:] != [status]:
                found.append(status)
        return found

    def _ask(self) -> None:
        with httpx.Client(timeout=5, trust_env=False) as client:
            while not self._has_ended.wait(_INTERVAL_S):
                asked_at = time.monotonic()
                try:
                    status = client.get(self._url).status_code
                except httpx.TransportError:
                    status = 0
                self.answers.append((asked_at, status))
