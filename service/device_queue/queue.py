"""Hold the queries and tasks that wait for the device: the one place that checks room, deadlines and clients."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from service.device_queue.ticket import WAITED_TOO_LONG, Clock, Ticket, settle
from service.engine import Query
from service.errors import NotReady, Overloaded
from service.metrics import Metrics
from service.settings import ServiceSettings

Done = TypeVar("Done")
Task = tuple[Callable[[], Any], "Future[Any]"]

_SWEEP_INTERVAL_S = 0.05
_QUEUE_SHARE = 0.5  # the share of the time until its deadline that a query may be expected to wait


class DeviceQueue:
    """Hold queries and device tasks that wait, within bounds; safe to use from several threads.

    A query passes three times: before its body is read (``admit``); before its picture is decoded (``reserve``), so
    that no decoded picture is refused for lack of a place; and with the picture.

    Attributes:
        in_flight: The number of queries that are admitted.
        expected_s: A function that returns the seconds that the device needs for a query.
        has_changed: An event, set when something was put in or the queue was closed; the device's thread waits for it.
    """

    def __init__(self, settings: ServiceSettings, metrics: Metrics, clock: Clock = time.monotonic) -> None:
        self.in_flight = 0
        self.expected_s: Callable[[Query], float] = lambda _query: 0.0
        self.has_changed = threading.Event()
        self._settings = settings
        self._metrics = metrics
        self.clock = clock
        self._lock = threading.RLock()  # dropping a ticket may release a version of a map, which puts a task in
        self._why_closed: str | None = "the service has not begun to load"
        self._waiting: list[Ticket] = []
        self._tasks: list[Task] = []
        self._taken: list[Future[Any]] = []
        self._free_at = -math.inf  # when the device is expected to have finished its batch
        self._reserved: set[object] = set()
        self._sweep_at = 0.0

    @property
    def depth(self) -> int:
        """Return the number of tickets that wait."""
        return len(self._waiting)

    def check_open(self) -> None:
        """Raise NotReady, with the reason, unless queries are answered."""
        if (why := self._why_closed) is not None:
            raise NotReady(why)

    def check_room(self) -> None:
        """Raise Overloaded if as many queries are in flight as allowed, or the queue is full; in constant time."""
        if self.in_flight >= (limit := self._settings.max_in_flight):
            raise Overloaded(f"{limit} queries are being answered already; try again in a moment")
        with self._lock:
            self._check_place()

    @contextmanager
    def admit(self, deadline_s: float) -> Iterator[None]:
        """Let a query in while the block lasts, or refuse it at once.

        Raises:
            NotReady: No query is answered now.
            Overloaded: There is no room, or the queries ahead take longer than the deadline allows.
        """
        with self._lock:
            self.check_open()
            self.check_room()
            self._check_wait(self.clock() + deadline_s)
            self.in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                self.in_flight -= 1

    @contextmanager
    def reserve(self, deadline_s: float, count: int = 1) -> Iterator[Callable[..., list[Ticket]]]:
        """Take places for the queries of a request while the block lasts, all or none.

        Yields:
            A function that puts the queries in the places; it raises as ``admit`` does. It counts the wait for earlier
            queries, and not the time that these queries take.

        Raises:
            NotReady: No query is answered now.
            Overloaded: The queue does not have that many places.
        """
        places, deadline = {object() for _ in range(count)}, self.clock() + deadline_s
        with self._lock:
            self.check_open()
            self._check_place(count)
            self._reserved |= places

        def submit(*queries: Query) -> list[Ticket]:
            tickets = [Ticket(query, deadline, self.clock) for query in queries]
            with self._lock:
                self.check_open()
                self._check_wait(deadline)
                self._reserved -= places
                self._waiting += tickets
            self.has_changed.set()
            return tickets

        try:
            yield submit
        finally:
            with self._lock:
                self._reserved -= places

    def call(self, function: Callable[[], Done]) -> "Future[Done]":
        """Have a function called on the device's thread, before the next batch; raise NotReady if it is closed."""
        future: Future[Done] = Future()
        with self._lock:
            self.check_open()
            self._tasks.append((function, future))
        self.has_changed.set()
        return future

    def open_or_close(self, why: str | None) -> None:
        """Take queries from now on, or refuse all of them and say why."""
        with self._lock:
            self._why_closed = why
        self.has_changed.set()

    def take_task(self) -> "Task | None":
        """Take out the first device task that was not cancelled; the device has finished the work that it took
        earlier.
        """
        with self._lock:
            self._taken, self._free_at = [], -math.inf
            while self._tasks:
                function, future = self._tasks.pop(0)
                if future.set_running_or_notify_cancel():
                    self._taken = [future]
                    return function, future
        return None

    def take(self, at_most: int) -> list[Ticket]:
        """Take out the first tickets, and drop those that nobody waits for any more."""
        with self._lock:
            first, self._waiting = self._waiting[:at_most], self._waiting[at_most:]
            batch = [ticket for ticket in first if self._claim(ticket)]
            self._taken = [ticket.future for ticket in batch]
            self._free_at = self.clock() + sum(self.expected_s(ticket.query) for ticket in batch)
            return batch

    def fail_all(self, error: BaseException) -> None:
        """Fail all tasks and tickets that wait, and all that were taken and have no outcome."""
        with self._lock:
            left = self._taken + [ticket.future for ticket in self._waiting] + [future for _, future in self._tasks]
            self._taken, self._waiting, self._tasks = [], [], []
        for future in left:
            settle(future, error=error)

    def _check_place(self, count: int = 1) -> None:
        most = self._settings.queue_size - len(self._reserved) - count
        if len(self._waiting) > most and self.clock() >= self._sweep_at:  # not again for each of a thousand refusals
            self._waiting = [ticket for ticket in self._waiting if ticket.is_wanted() or self._claim(ticket)]
            self._sweep_at = self.clock() + _SWEEP_INTERVAL_S
        if len(self._waiting) > most:
            raise Overloaded(f"{len(self._waiting) + len(self._reserved)} pictures wait already; try again in a moment")

    def _check_wait(self, deadline: float) -> None:
        now = self.clock()
        wait_s = max(0.0, self._free_at - now) + sum(self.expected_s(ticket.query) for ticket in self._waiting)
        if wait_s > _QUEUE_SHARE * max(0.0, deadline - now):
            raise Overloaded(f"the pictures that wait already take about {wait_s:.0f} seconds; try again in a moment")

    def _claim(self, ticket: Ticket) -> bool:
        """Return whether a ticket needs an answer; if nobody waits for it, count it, and fail it if it is late."""
        if ticket.future.set_running_or_notify_cancel():
            if not ticket.is_late():
                return True
            settle(ticket.future, error=Overloaded(WAITED_TOO_LONG))
        self._metrics.entry_dropped("deadline" if ticket.is_late() else "client_gone")
        return False
