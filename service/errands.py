"""What has to be done on the thread that owns the device, and is no query: it takes its turn between two batches."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class Errands:
    """Functions that wait for their turn; their owner guards them with a lock of its own."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[], Any], Future[Any]]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, function: Callable[[], Result]) -> "Future[Result]":
        """Puts a function in; the future gives what it returns or raises."""
        future: Future[Result] = Future()
        self._waiting.append((function, future))
        return future

    def take(self) -> Callable[[tuple[type[BaseException], ...]], None]:
        """Takes the first one out.

        Returns:
            Does it. Of its errors only those go on that are given as fatal; whoever waits for the future gets all.
        """
        function, future = self._waiting.popleft()

        def run(fatal_errors: tuple[type[BaseException], ...]) -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = function()
            except BaseException as error:
                future.set_exception(error)
                if isinstance(error, fatal_errors) or not isinstance(error, Exception):
                    raise
            else:
                future.set_result(result)

        return run

    def fail(self, error: BaseException) -> None:
        """Says to all who wait that nothing will come."""
        while self._waiting:
            _, future = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                future.set_exception(error)
