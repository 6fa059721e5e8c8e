"""The bounded queue before the device: who waits, and who has a place already and is still being decoded."""

import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from service.errors import Overloaded
from service.tickets import Ticket

_SWEEP_INTERVAL_S = 0.05

Item = TypeVar("Item")
Result = TypeVar("Result")


class TicketQueue(Generic[Item, Result]):
    """Tickets in their order; its owner guards it with a lock of its own.

    A place is reserved before the work of decoding a picture is done, so that no decoded picture is refused, and what
    is admitted is never more than the queue holds.

    Attributes:
        size: Tickets and reserved places that fit.
    """

    def __init__(self, size: int, on_dropped: Callable[[str], None]) -> None:
        """Makes an empty queue.

        Args:
            size: Tickets and reserved places that fit.
            on_dropped: Is told why a ticket was dropped: ``client_gone`` or ``deadline``.
        """
        self.size = size
        self._on_dropped = on_dropped
        self._waiting: deque[Ticket[Item, Result]] = deque()
        self._reserved = 0
        self._sweep_at = 0.0

    def __len__(self) -> int:
        """Tickets that wait."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether there is no place left, as long as nobody leaves."""
        return len(self._waiting) + self._reserved >= self.size

    def check_room(self) -> None:
        """Passes if there is a place; those of tickets that nobody waits for any more are free.

        Raises:
            Overloaded: There is none.
        """
        if self.is_full and time.monotonic() >= self._sweep_at:  # not for each of a thousand refusals
            self._drop_unwanted()
            self._sweep_at = time.monotonic() + _SWEEP_INTERVAL_S
        if self.is_full:
            raise Overloaded(f"{self.size} pictures wait already; try again in a moment")

    def reserve(self) -> None:
        """Takes a place.

        Raises:
            Overloaded: There is none.
        """
        self.check_room()
        self._reserved += 1

    def give_back(self) -> None:
        """Gives back a reserved place."""
        self._reserved -= 1

    def fill(self, ticket: Ticket[Item, Result]) -> None:
        """Puts a ticket in a reserved place."""
        self._reserved -= 1
        self._waiting.append(ticket)

    def take(self, at_most: int) -> list[Ticket[Item, Result]]:
        """Takes the first tickets out, and claims those that are still wanted."""
        wanted = []
        for _ in range(min(at_most, len(self._waiting))):
            ticket = self._waiting.popleft()
            if reason := ticket.claim():
                self._on_dropped(reason)
            else:
                wanted.append(ticket)
        return wanted

    def take_all(self) -> list[Ticket[Item, Result]]:
        """Takes out all that wait, without asking whether they are late."""
        left = [ticket for ticket in self._waiting if ticket.future.set_running_or_notify_cancel()]
        self._waiting.clear()
        return left

    def expected_s(self, of_item: Callable[[Item], float]) -> float:
        """Seconds that all that wait will take together."""
        return sum(of_item(ticket.item) for ticket in self._waiting)

    def _drop_unwanted(self) -> None:
        wanted: deque[Ticket[Item, Result]] = deque()
        for ticket in self._waiting:
            if ticket.is_wanted():
                wanted.append(ticket)
            elif reason := ticket.claim():
                self._on_dropped(reason)
        self._waiting = wanted
