"""A request in the queue, and the answer that is to come."""

import time
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from service.errors import Overloaded

Item = TypeVar("Item")
Result = TypeVar("Result")

WAITED_TOO_LONG = "the picture waited behind others until its deadline; try again in a moment"


@dataclass(frozen=True)
class Answered(Generic[Result]):
    """What a ticket's future gives.

    Attributes:
        result: Of the processor.
        queue_s: Seconds that the request waited: before encoding, and after it for others of its batch.
    """

    result: Result
    queue_s: float


class Ticket(Generic[Item, Result]):
    """A request in the queue.

    Attributes:
        item: What is asked.
        future: The answer to come.
        has_begun: Whether the device works, or has worked, for it; until then it waits for others.
    """

    def __init__(self, item: Item, deadline: float | None) -> None:
        self.item = item
        self.future: Future[Answered[Result]] = Future()
        self.has_begun = False
        self.enqueued_at = time.monotonic()
        self._deadline = deadline
        self._is_abandoned = False

    def give(self, answered: Answered[Result]) -> None:
        """Gives the answer; it is lost on a ticket that was given up meanwhile, as those of a stuck device are."""
        with suppress(InvalidStateError):
            self.future.set_result(answered)

    def fail(self, error: BaseException) -> None:
        """Says what went wrong; likewise."""
        with suppress(InvalidStateError):
            self.future.set_exception(error)

    def abandon(self) -> None:
        """Says that nobody waits for the answer any more."""
        self._is_abandoned = True
        self.future.cancel()

    def is_wanted(self) -> bool:
        """Whether somebody waits still."""
        return not self._is_abandoned and not self._is_late()

    def claim(self) -> str | None:
        """Takes the ticket to the device, or says why it need not go there: ``client_gone`` or ``deadline``."""
        if not self.future.set_running_or_notify_cancel():
            return "deadline" if self._is_late() else "client_gone"
        if self._is_late():
            self.future.set_exception(Overloaded(WAITED_TOO_LONG))
            return "deadline"
        return None

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline
