"""Hold a query in the queue, with its deadline, and whether somebody waits for its answer."""

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from service.engine import Query
from service.localization import Localization

Clock = Callable[[], float]

WAITED_TOO_LONG = "the picture waited behind others until its deadline; try again in a moment"


def settle(future: "Future[Any]", result: object = None, error: BaseException | None = None) -> None:
    """Set an outcome; ignore it if there is one already, because a stuck device came back too late."""
    with suppress(InvalidStateError):
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


@dataclass(eq=False)
class Ticket:
    """Hold a query in the queue, and its future answer.

    Attributes:
        deadline: The time after which nobody needs the answer.
        clock: The queue's clock, for all times.
        has_begun: Whether the device works for this query, and not for others of its batch.
    """

    query: Query
    deadline: float
    clock: Clock
    has_begun: bool = False
    future: "Future[Localization]" = field(default_factory=Future)
    _is_abandoned: bool = False

    def abandon(self) -> None:
        """Note that nobody waits for the answer any more."""
        self.future.cancel()  # has no effect once the device has begun; then the flag stops it
        self._is_abandoned = True

    def is_wanted(self) -> bool:
        """Return whether somebody still waits."""
        return not self._is_abandoned and not self.is_late()

    def is_late(self) -> bool:
        """Return whether the deadline has passed."""
        return self.clock() > self.deadline
