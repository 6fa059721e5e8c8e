"""Hold what waits for the device: the one place that looks at room, at deadlines and at who still waits."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from service.engine import Query
from service.errors import NotReady, Overloaded
from service.localizer import Localization
from service.metrics import Metrics
from service.settings import ServiceSettings

Done = TypeVar("Done")
Clock = Callable[[], float]

WAITED_TOO_LONG = "the picture waited behind others until its deadline; try again in a moment"

_SWEEP_INTERVAL_S = 0.05
_QUEUE_SHARE = 0.5  # of the time until its deadline that a query may be expected to wait; half is for surprises


def settle(future: "Future[Any]", result: object = None, error: BaseException | None = None) -> None:
    """Set an outcome; ignored if there is one, because a stuck device that comes back is too late."""
    with suppress(InvalidStateError):
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


class Ticket:
    """A query in the queue, and its answer to come.

    Attributes:
        query: The decoded picture, and what is asked about it.
        deadline: After which nobody needs the answer; all times are on the queue's clock.
        future: The answer to come.
        enqueued_at: When the query was put in.
        begun_at: When the device last began to work for it; None while it waits for others.
        queue_s: Seconds that it waited: before encoding, and after it for others of its batch.
    """

    def __init__(self, query: Query, deadline: float, clock: Clock) -> None:
        self.query = query
        self.deadline = deadline
        self.future: Future[Localization] = Future()
        self.enqueued_at = clock()
        self.begun_at: float | None = None
        self.queue_s = 0.0
        self._clock = clock
        self._is_abandoned = False

    def abandon(self) -> None:
        """Note that nobody waits for the answer any more."""
        self.future.cancel()  # fails once the device has begun; then the flag stops it half way
        self._is_abandoned = True

    def is_wanted(self) -> bool:
        """Return whether somebody still waits."""
        return not self._is_abandoned and not self.is_late()

    def is_late(self) -> bool:
        """Return whether the deadline has passed."""
        return self._clock() > self.deadline


class DeviceQueue:
    """Queries and device tasks that wait, within bounds; safe to use from several threads.

    A query passes three times: before its body is read (``admit``); before its picture is decoded (``reserve``), so
    that no decoded picture is refused for want of a place; and with the picture.

    Attributes:
        in_flight: Queries that are admitted.
        has_changed: Set when something was put in or the queue was closed; the device's thread waits for it.
    """

    def __init__(self, settings: ServiceSettings, metrics: Metrics, clock: Clock = time.monotonic) -> None:
        self.in_flight = 0
        self.has_changed = threading.Event()
        self._size = settings.queue_size
        self._max_in_flight = settings.max_in_flight
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.RLock()  # dropping a ticket may release a version of a map, which puts a task in
        self._why_closed: str | None = "the service has not begun to load"
        self._expected_s: Callable[[Query], float] = lambda _query: 0.0
        self._waiting: deque[Ticket] = deque()
        self._tasks: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._taken: list[Ticket] = []
        self._task_taken: Future[Any] | None = None
        self._reserved = 0
        self._sweep_at = 0.0

    @property
    def depth(self) -> int:
        """Tickets that wait."""
        return len(self._waiting)

    def check_open(self) -> None:
        """Raise NotReady, with the reason, unless queries are answered."""
        if (why := self._why_closed) is not None:
            raise NotReady(why)

    def check_room(self) -> None:
        """Raise Overloaded if as many queries are in flight as allowed, or the queue is full; in constant time."""
        if self.in_flight >= self._max_in_flight:
            raise Overloaded(f"{self._max_in_flight} queries are being answered already; try again in a moment")
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
            self._check_wait(self._clock() + deadline_s)
            self.in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                self.in_flight -= 1

    @contextmanager
    def reserve(self, deadline_s: float) -> Iterator[Callable[[Query], Ticket]]:
        """Take a place for a query while the block lasts.

        Yields:
            A function that puts the query in the place; it raises as ``admit`` does.

        Raises:
            NotReady: No query is answered now.
            Overloaded: The queue is full.
        """
        deadline, is_held = self._clock() + deadline_s, True
        with self._lock:
            self.check_open()
            self._check_place()
            self._reserved += 1

        def submit(query: Query) -> Ticket:
            nonlocal is_held
            ticket = Ticket(query, deadline, self._clock)
            with self._lock:
                self.check_open()
                self._check_wait(deadline)
                self._reserved, is_held = self._reserved - 1, False
                self._waiting.append(ticket)
            self.has_changed.set()
            return ticket

        try:
            yield submit
        finally:
            if is_held:
                with self._lock:
                    self._reserved -= 1

    def call(self, function: Callable[[], Done]) -> "Future[Done]":
        """Have a function called on the device's thread, before the next batch; raise NotReady if there is none."""
        future: Future[Done] = Future()
        with self._lock:
            self.check_open()
            self._tasks.append((function, future))
        self.has_changed.set()
        return future

    def open(self, expected_s: Callable[[Query], float]) -> None:
        """Begin to take queries, for which the device needs so many seconds."""
        with self._lock:
            self._expected_s, self._why_closed = expected_s, None

    def close(self, why: str) -> None:
        """Take nothing more; who comes is told why."""
        with self._lock:
            self._why_closed = why
        self.has_changed.set()

    def take_task(self) -> tuple[Callable[[], Any], "Future[Any]"] | None:
        """Take out the first device task that was not cancelled."""
        with self._lock:
            while self._tasks:
                function, future = self._tasks.popleft()
                if future.set_running_or_notify_cancel():
                    self._task_taken = future
                    return function, future
        return None

    def take(self, at_most: int) -> list[Ticket]:
        """Take out the first tickets, and drop those of them that nobody waits for any more."""
        with self._lock:
            first = [self._waiting.popleft() for _ in range(min(at_most, len(self._waiting)))]
            self._taken = [ticket for ticket in first if self._claim(ticket)]
            return list(self._taken)

    def finish(self) -> None:
        """Forget what was taken last: the device is done with it."""
        self._taken, self._task_taken = [], None

    def fail_all(self, error: BaseException) -> None:
        """Fail all that waits, and all that was taken and has no outcome."""
        with self._lock:
            waiting = [ticket.future for ticket in self._waiting] + [future for _, future in self._tasks]
            left = [future for future in waiting if future.set_running_or_notify_cancel()]
            left += [ticket.future for ticket in self._taken]
            left += [] if self._task_taken is None else [self._task_taken]
            self._waiting.clear()
            self._tasks.clear()
            self.finish()
        for future in left:
            settle(future, error=error)

    def _check_place(self) -> None:
        if self._is_full() and self._clock() >= self._sweep_at:  # not for each of a thousand refusals
            self._waiting = deque(ticket for ticket in self._waiting if ticket.is_wanted() or self._claim(ticket))
            self._sweep_at = self._clock() + _SWEEP_INTERVAL_S
        if self._is_full():
            raise Overloaded(f"{self._size} pictures wait already; try again in a moment")

    def _is_full(self) -> bool:
        return len(self._waiting) + self._reserved >= self._size

    def _check_wait(self, deadline: float) -> None:
        now = self._clock()
        begun_s = sum(self._expected_s(ticket.query) for ticket in self._taken if not ticket.future.done())
        worked_s = now - max((ticket.begun_at for ticket in self._taken if ticket.begun_at is not None), default=now)
        wait_s = max(0.0, begun_s - worked_s) + sum(self._expected_s(ticket.query) for ticket in self._waiting)
        if wait_s > _QUEUE_SHARE * max(0.0, deadline - now):
            raise Overloaded(f"the pictures that wait already take about {wait_s:.0f} seconds; try again in a moment")

    def _claim(self, ticket: Ticket) -> bool:
        """Return whether a ticket is to be answered; one that nobody waits for is counted, and told if it is late."""
        if ticket.future.set_running_or_notify_cancel():
            if not ticket.is_late():
                return True
            settle(ticket.future, error=Overloaded(WAITED_TOO_LONG))
        self._metrics.entry_dropped("deadline" if ticket.is_late() else "client_gone")
        return False
