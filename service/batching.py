"""One thread owns the device; requests wait in a bounded queue and are encoded together.

A batch is whatever waits at the moment when the thread is free: on an idle service that is one request, without delay.
What goes wrong with one request stays with that request: a batch that fails is repeated one by one.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from enum import StrEnum
from typing import Generic, TypeVar

from model.errors import NotReady, Overloaded
from service.errands import Errands
from service.processor import BatchObserver, Processor
from service.tickets import Answered, Ticket

Item = TypeVar("Item")
Encoded = TypeVar("Encoded")
Done = TypeVar("Done")
Result = TypeVar("Result")


class WorkerState(StrEnum):
    """The life of a worker, in its order; FAILED may follow LOADING, READY and STOPPING."""

    LOADING = "loading"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


_QUEUE_SHARE = 0.5  # of the time until a request's deadline that it may be expected to wait; half is for surprises

_NOT_READY = {
    WorkerState.LOADING: "the service is still loading its network and maps; try again in a moment",
    WorkerState.STOPPING: "the service is stopping",
    WorkerState.STOPPED: "the service has stopped",
    WorkerState.FAILED: "the service's worker has died; the service must be restarted",
}


class DeviceWorker(Generic[Item, Encoded, Result]):
    """A supervised thread that loads a processor and then answers what is submitted.

    The processor is loaded on this very thread, because a GPU index must be used by the thread that made it.

    Attributes:
        failure: What ended the worker, if it failed.
    """

    def __init__(
        self,
        load: Callable[[], Processor[Item, Encoded, Result]],
        *,
        queue_size: int,
        max_batch_size: int,
        stuck_after_s: float,
        observer: BatchObserver,
        on_state: Callable[[WorkerState], None],
    ) -> None:
        """Prepares the worker; ``start`` starts it.

        Args:
            load: Makes the processor; called on the worker's thread.
            queue_size: Requests that may wait.
            max_batch_size: Requests that are encoded together.
            stuck_after_s: Seconds without any progress after which the worker counts as not ready.
            observer: Is told about batches and dropped entries.
            on_state: Is told each new state, on the thread that brought it about.
        """
        self.failure: BaseException | None = None
        self._load = load
        self._queue_size = queue_size
        self._max_batch_size = max_batch_size
        self._stuck_after_s = stuck_after_s
        self._observer = observer
        self._on_state = on_state
        self._changed = threading.Condition()
        self._waiting: deque[Ticket[Item, Result]] = deque()
        self._errands = Errands()
        self._in_flight: Sequence[Ticket[Item, Result]] = ()
        self._processor: Processor[Item, Encoded, Result] | None = None
        self._progress_at: float | None = None  # when the device was last seen to work; None while it has nothing to do
        self._state = WorkerState.LOADING
        self._thread = threading.Thread(target=self._run, name="placefix-device", daemon=True)

    @property
    def state(self) -> WorkerState:
        """Where the worker is in its life."""
        return self._state

    @property
    def queue_depth(self) -> int:
        """Requests that wait now."""
        return len(self._waiting)

    def start(self) -> None:
        """Starts the thread, which begins to load."""
        self._thread.start()

    @property
    def is_ready(self) -> bool:
        """Whether requests are answered: loaded, not stopping, alive, and not stuck."""
        return self._state is WorkerState.READY and not self._is_stuck()

    def check_ready(self) -> None:
        """Passes if the worker answers.

        Raises:
            NotReady: Loading, stopping, dead or stuck.
        """
        if self._state is not WorkerState.READY:
            raise NotReady(_NOT_READY[self._state])
        if self._is_stuck():
            raise NotReady(f"the device has made no progress for {self._stuck_after_s:g} seconds")

    def check_queue(self, deadline: float | None = None) -> None:
        """Passes if a request would be answered in time.

        Args:
            deadline: On the clock of ``time.monotonic``.

        Raises:
            Overloaded: The queue is full, or takes longer than the deadline allows.
        """
        with self._changed:
            if len(self._waiting) >= self._queue_size:
                self._drop_unwanted()
            if len(self._waiting) >= self._queue_size:
                raise Overloaded(f"{self._queue_size} pictures wait already; try again in a moment")
            wait_s = self._expected_wait_s()
        if deadline is not None and wait_s > _QUEUE_SHARE * max(0.0, deadline - time.monotonic()):
            raise Overloaded(f"the pictures that wait already take about {wait_s:.0f} seconds; try again in a moment")

    def submit(self, item: Item, deadline: float | None = None) -> Ticket[Item, Result]:
        """Puts a request in the queue.

        Args:
            item: The request.
            deadline: On the clock of ``time.monotonic``; afterwards the request is dropped.

        Raises:
            NotReady: Loading, stopping, dead or stuck.
            Overloaded: The queue is full, or takes longer than the deadline allows.
        """
        ticket: Ticket[Item, Result] = Ticket(item, deadline)
        with self._changed:
            self.check_ready()
            self.check_queue(deadline)
            self._waiting.append(ticket)
            self._changed.notify()
        return ticket

    def call(self, function: Callable[[], Done]) -> "Future[Done]":
        """Has a function called on the device's thread, before the next batch.

        Raises:
            NotReady: Loading, stopping or dead.
        """
        with self._changed:
            if self._state is not WorkerState.READY:
                raise NotReady(_NOT_READY[self._state])
            future = self._errands.add(function)
            self._changed.notify()
        return future

    def stop(self, timeout_s: float) -> bool:
        """Answers what waits, then ends the thread.

        Returns:
            Whether the thread has ended in that time.
        """
        with self._changed:
            if self._state in (WorkerState.LOADING, WorkerState.READY):
                self._set_state(WorkerState.STOPPING)
            self._changed.notify()
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            processor = self._processor = self._load()
            with self._changed:
                if self._state is WorkerState.LOADING:
                    self._set_state(WorkerState.READY)
            while self._do_next(processor):
                pass
        except BaseException as error:  # noqa: BLE001 - nothing may end this thread unseen: everybody who waits is told
            self._die(error)
        else:
            self._set_state(WorkerState.STOPPED)

    def _do_next(self, processor: Processor[Item, Encoded, Result]) -> bool:
        """Waits for an errand or a batch, and does it; whether more may come.

        A function of its own, so that an idle worker keeps nothing of the last one in memory.
        """
        errand, taken = None, []
        with self._changed:
            self._changed.wait_for(self._has_work)
            if self._errands:
                errand = self._errands.take()
            elif self._waiting:
                size = min(len(self._waiting), self._max_batch_size)
                taken = [self._waiting.popleft() for _ in range(size)]
            else:
                return False
        self._progress_at = time.monotonic()
        if errand is not None:
            errand(processor.fatal_errors)
        elif batch := self._claim(taken):
            self._in_flight = batch
            self._observer.batch_taken(len(batch))
            self._process(processor, batch)
            self._in_flight = ()
        self._progress_at = None
        return True

    def _has_work(self) -> bool:
        return bool(self._waiting or self._errands or self._state is not WorkerState.READY)

    def _claim(self, tickets: Sequence[Ticket[Item, Result]]) -> list[Ticket[Item, Result]]:
        """Those that are still wanted."""
        wanted = []
        for ticket in tickets:
            if reason := ticket.claim():
                self._observer.entry_dropped(reason)
            else:
                wanted.append(ticket)
        return wanted

    def _process(self, processor: Processor[Item, Encoded, Result], batch: Sequence[Ticket[Item, Result]]) -> None:
        encode_start = time.monotonic()
        batch[0].has_begun = True
        try:
            encoded = processor.encode([ticket.item for ticket in batch])
        except processor.fatal_errors:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to one request and must reach that one
            if len(batch) == 1:
                batch[0].future.set_exception(error)
                return
            for ticket in batch:
                self._process(processor, [ticket])
            return
        encode_end = self._progress_at = time.monotonic()
        for ticket, features in zip(batch, encoded, strict=True):
            ticket.has_begun = True
            waited_s = (encode_start - ticket.enqueued_at) + (time.monotonic() - encode_end)
            try:
                result = processor.answer(ticket.item, features, ticket.is_wanted)
            except processor.fatal_errors:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                ticket.future.set_exception(error)
            else:
                ticket.future.set_result(Answered(result, waited_s))
            self._progress_at = time.monotonic()

    def _is_stuck(self) -> bool:
        progress_at = self._progress_at
        return progress_at is not None and time.monotonic() - progress_at > self._stuck_after_s

    def _expected_wait_s(self) -> float:
        """Seconds until all that waits and all that is being answered will be done; the lock is held."""
        processor, progress_at = self._processor, self._progress_at
        if processor is None:
            return 0.0
        begun_s = sum(processor.expected_s(ticket.item) for ticket in self._in_flight if not ticket.future.done())
        done_s = 0.0 if progress_at is None else time.monotonic() - progress_at
        return max(0.0, begun_s - done_s) + sum(processor.expected_s(ticket.item) for ticket in self._waiting)

    def _drop_unwanted(self) -> None:
        """Makes room in the queue; its lock is held."""
        wanted: deque[Ticket[Item, Result]] = deque()
        for ticket in self._waiting:
            if ticket.is_wanted():
                wanted.append(ticket)
            elif reason := ticket.claim():
                self._observer.entry_dropped(reason)
        self._waiting = wanted

    def _die(self, error: BaseException) -> None:
        with self._changed:
            self.failure = error
            left = [ticket for ticket in self._in_flight if not ticket.future.done()]
            for ticket in self._waiting:
                if ticket.future.set_running_or_notify_cancel():
                    left.append(ticket)
            self._waiting.clear()
            self._set_state(WorkerState.FAILED)
            self._errands.fail(NotReady(_NOT_READY[WorkerState.FAILED]))
        for ticket in left:
            ticket.future.set_exception(NotReady(_NOT_READY[WorkerState.FAILED]))

    def _set_state(self, state: WorkerState) -> None:
        self._state = state
        self._on_state(state)
