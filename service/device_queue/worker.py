"""The one thread that owns the device: it loads the engine, and then answers what waits.

A batch is whatever waits at the moment when the thread is free: on an idle service that is one query, without delay.
What goes wrong with one picture stays with it: a batch that fails is repeated one by one. A batch that does not fit the
device's memory is halved, and later ones are smaller until that many have fitted for a while.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum, auto
from typing import Any

from service.device_queue.queue import DeviceQueue
from service.device_queue.ticket import Ticket, settle
from service.engine import Engine
from service.errors import DeviceStuck, NotReady, Overloaded
from service.localizer import EncodedQuery
from service.metrics import Metrics
from service.settings import ServiceSettings
from service.thread_priority import lower_priority
from service.watchdog import Watchdog


class WorkerState(IntEnum):
    """The life of a worker, in its order; it ends with one of the last two."""

    LOADING = auto()
    READY = auto()
    STOPPING = auto()
    STOPPED = auto()
    FAILED = auto()


WHY_CLOSED = {
    WorkerState.LOADING: "the service is still loading its network and maps; try again in a moment",
    WorkerState.STOPPING: "the service is stopping",
    WorkerState.STOPPED: "the service has stopped",
    WorkerState.FAILED: "the service's worker has died; the service must be restarted",
}
_NO_MEMORY = "the device has no memory for this picture at the moment; try again, or ask for a shorter shortlist"
_FULL_BATCHES_UNTIL_LARGER = 100  # that fitted: then one picture more is tried


@dataclass(eq=False)
class DeviceWorker:
    """A thread that ends because it was told to or because it failed, and for no other reason.

    The engine is loaded on this very thread, because a GPU index must be used by the thread that made it.

    Attributes:
        load: Makes the engine; called on the worker's thread.
        queue: What waits for the device; the worker opens and closes it.
        settings: How batches are put together, and how often an idle device is tried.
        metrics: Counts batches.
        watchdog: Watches the device.
        on_state: Told each new state, on the thread that brought it about.
        state: Where the worker is in its life.
        failure: What ended the worker, if it failed.
        batch_limit: Pictures that are encoded together at most; less than configured after the memory was not enough.
    """

    load: Callable[[], Engine]
    queue: DeviceQueue
    settings: ServiceSettings
    metrics: Metrics
    watchdog: Watchdog
    on_state: Callable[[WorkerState], None]
    state: WorkerState = field(default=WorkerState.LOADING, init=False)
    failure: BaseException | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.batch_limit = self.settings.max_batch_size
        self._changing_state = threading.Lock()
        self._engine: Engine
        self._full_batches = 0
        self._forward_at: float | None = None
        self._idle_since: float | None = None  # None: something waited already when the last batch was done
        self._full_by: float | None = None  # until when the next batch waits for others
        self._thread = threading.Thread(target=self._run, name="placefix-device", daemon=True)
        self.queue.open_or_close(WHY_CLOSED[self.state])

    @property
    def since_forward_s(self) -> float:
        """Seconds since the device last encoded something; 0 while loading."""
        return 0.0 if self._forward_at is None else self.queue.clock() - self._forward_at

    def start(self) -> None:
        """Start the thread, which begins to load."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Answer what waits, and end the thread; one that is stuck is not waited for. Return whether it has ended."""
        self._enter(WorkerState.STOPPING)
        if self._thread.ident is None:
            return True
        self._thread.join(0 if isinstance(self.failure, DeviceStuck) else timeout_s)
        return not self._thread.is_alive()

    def fail(self, error: BaseException) -> None:
        """End the worker, and fail all that waits; ignored if it has ended already. Called on any thread."""
        if self._enter(WorkerState.FAILED, error):
            self.queue.fail_all(NotReady(WHY_CLOSED[WorkerState.FAILED]))

    def step(self) -> float | None:
        """Do what is next: load, a device task, a batch, a trial of the device, or the end.

        Returns:
            Seconds until there is something to do, unless something is put in the queue before: 0 if there may be now,
            None if there will be nothing.
        """
        try:
            return self._do_next()
        except BaseException as error:  # noqa: BLE001 - nothing may end this thread unseen: all who wait are told
            self.fail(error)
            return 0

    def _run(self) -> None:
        lower_priority()
        while self.state < WorkerState.STOPPED:
            self.queue.has_changed.clear()
            pause_s = self.step()
            if pause_s != 0:
                self.queue.has_changed.wait(pause_s)

    def _do_next(self) -> float | None:
        """Do as ``step`` says; a function of its own, so that an idle worker keeps nothing of the last batch."""
        if self._forward_at is None:
            self._engine = self.load()
            self.queue.expected_s = self._engine.expected_s
            self._forward_at = self._idle_since = self.queue.clock()  # loading ends with a query
            self._enter(WorkerState.READY)
            return 0
        is_stopping = self.state is WorkerState.STOPPING  # looked at first: from then on nothing is put in
        if (task := self.queue.take_task()) is not None:
            self._do(*task)
            self.queue.finish()
            return 0
        if self.queue.depth == 0:
            if not is_stopping:
                return self._idle()
            self._enter(WorkerState.STOPPED)
            return 0
        if not is_stopping and (pause_s := self._wait_for_more_s()) > 0:
            return pause_s
        self._full_by = None
        if batch := self.queue.take(self.batch_limit):
            self.metrics.batch_taken(len(batch))
            with self.watchdog.watching(DeviceStuck, "the device") as beat:
                self._answer_batch(batch, beat)
            self.queue.finish()
            self._idle_since = None
        return 0

    def _do(self, function: Callable[[], Any], future: "Future[Any]") -> None:
        """Do a device task; only a fatal error is the worker's own."""
        try:
            with self.watchdog.watching(DeviceStuck, "the device"):
                settle(future, function())
        except BaseException as error:
            settle(future, error=error)
            if isinstance(error, self._engine.fatal_errors) or not isinstance(error, Exception):
                raise

    def _idle(self) -> float | None:
        """Try the device from time to time, to see that it still can."""
        interval_s, self._full_by = self.settings.probe_interval_s, None
        if self._idle_since is None:
            self._idle_since = self.queue.clock()
        if not interval_s:
            return None
        pause_s = self._idle_since + interval_s - self.queue.clock()
        if pause_s > 0:
            return pause_s
        with self.watchdog.watching(DeviceStuck, "the device"):
            self._engine.probe()
        self._forward_at = self._idle_since = self.queue.clock()
        return 0

    def _wait_for_more_s(self) -> float:
        """Return how long a batch waits to become full: only after another one, during which queries have come."""
        if self._idle_since is not None or self.queue.depth >= self.batch_limit:
            return 0
        if self._full_by is None:
            self._full_by = self.queue.clock() + self.settings.batch_delay_ms / 1000
        return self._full_by - self.queue.clock()

    def _answer_batch(self, batch: Sequence[Ticket], beat: Callable[[], None]) -> None:
        """Encode together, then answer one after the other; a fatal error goes through, and leaves some unanswered."""
        batch[0].has_begun = True
        encoded, is_too_large = None, False
        try:
            encoded = self._engine.encode([ticket.query for ticket in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to one query and must reach that one
            is_too_large = isinstance(error, self._engine.memory_errors)
            if len(batch) == 1 or isinstance(error, self._engine.fatal_errors):
                self._refuse(batch[0], error)
        if encoded is None:  # no longer in the except block, where the error keeps what was allocated
            self._answer_in_parts(batch, beat, is_too_large=is_too_large)
            return
        self._forward_at = self.queue.clock()
        if len(batch) == self.batch_limit < self.settings.max_batch_size:
            self._full_batches += 1
            if self._full_batches == _FULL_BATCHES_UNTIL_LARGER:
                self.batch_limit, self._full_batches = self.batch_limit + 1, 0
        for ticket, features in zip(batch, encoded, strict=True):
            beat()
            ticket.has_begun = True
            self._answer(ticket, features, beat)

    def _answer(self, ticket: Ticket, features: EncodedQuery, beat: Callable[[], None]) -> None:
        def is_wanted() -> bool:
            beat()
            return ticket.is_wanted()

        try:
            settle(ticket.future, self._engine.answer(ticket.query, features, is_wanted))
        except Exception as error:  # noqa: BLE001 - as above
            self._refuse(ticket, error)

    def _refuse(self, ticket: Ticket, error: Exception) -> None:
        """Give a query its error; a fatal one is the worker's own."""
        if isinstance(error, self._engine.fatal_errors):
            raise error
        has_no_memory = isinstance(error, self._engine.memory_errors)
        settle(ticket.future, error=Overloaded(_NO_MEMORY) if has_no_memory else error)

    def _answer_in_parts(self, batch: Sequence[Ticket], beat: Callable[[], None], *, is_too_large: bool) -> None:
        if is_too_large:
            self._engine.free_memory()
            self.metrics.batch_too_large(len(batch))
            self.batch_limit, self._full_batches = max(1, min(self.batch_limit, len(batch) // 2)), 0
        if len(batch) == 1:
            return  # it has its error
        while batch:  # a part that does not fit either makes those after it smaller, too
            size = self.batch_limit if is_too_large else 1
            part, batch = batch[:size], batch[size:]
            self._answer_batch(part, beat)

    def _enter(self, state: WorkerState, failure: BaseException | None = None) -> bool:
        """Go over to a later state, unless the worker has ended; return whether."""
        with self._changing_state:
            if self.state >= min(state, WorkerState.STOPPED):
                return False
            self.failure = failure
            self.queue.open_or_close(WHY_CLOSED.get(state))
            self.state = state
            self.on_state(state)
            return True
