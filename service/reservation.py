"""A place in the queue that is taken before what goes there is complete."""

from collections.abc import Callable
from typing import Generic, Self, TypeVar

from service.tickets import Ticket

Item = TypeVar("Item")
Result = TypeVar("Result")


class Reservation(Generic[Item, Result]):
    """A place in the queue, to be used within a ``with`` block; at its end it is given back unless it was filled."""

    def __init__(
        self, submit: Callable[[Item, float | None], Ticket[Item, Result]], give_back: Callable[[], None]
    ) -> None:
        self._submit = submit
        self._give_back = give_back
        self._is_held = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._is_held:
            self._is_held = False
            self._give_back()

    def submit(self, item: Item, deadline: float | None = None) -> Ticket[Item, Result]:
        """Puts the request in the reserved place; see ``DeviceWorker.submit``."""
        ticket = self._submit(item, deadline)
        self._is_held = False
        return ticket
