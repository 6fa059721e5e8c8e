"""The one thread that owns the device: it loads the engine, and then answers what waits.

A batch is whatever waits at the moment when the thread is free: on an idle service that is one query, without delay.
What goes wrong with one picture stays with it: a batch that fails is repeated one by one. A batch that does not fit the
device's memory is halved, and later ones are smaller until that many have fitted for a while.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from enum import StrEnum
from typing import Any

from service.device_queue.queue import Clock, DeviceQueue, Ticket, settle
from service.engine import Engine
from service.errors import DeviceStuck, NotReady, Overloaded
from service.localizer import EncodedQuery
from service.metrics import Metrics
from service.settings import ServiceSettings
from service.thread_priority import lower_priority
from service.watchdog import Watchdog


class WorkerState(StrEnum):
    """The life of a worker, in its order."""

    LOADING = "loading"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


_MAY_FOLLOW = {
    WorkerState.READY: (WorkerState.LOADING,),
    WorkerState.STOPPING: (WorkerState.LOADING, WorkerState.READY),
    WorkerState.STOPPED: (WorkerState.STOPPING,),
    WorkerState.FAILED: (WorkerState.LOADING, WorkerState.READY, WorkerState.STOPPING),
}
WHY_CLOSED = {
    WorkerState.LOADING: "the service is still loading its network and maps; try again in a moment",
    WorkerState.STOPPING: "the service is stopping",
    WorkerState.STOPPED: "the service has stopped",
    WorkerState.FAILED: "the service's worker has died; the service must be restarted",
}
_NO_MEMORY = "the device has no memory for this picture at the moment; try again, or ask for a shorter shortlist"
_FULL_BATCHES_UNTIL_LARGER = 100  # that fitted: then one picture more is tried


class DeviceWorker:
    """A thread that ends because it was told to or because it failed, and for no other reason.

    The engine is loaded on this very thread, because a GPU index must be used by the thread that made it.

    Attributes:
        state: Where the worker is in its life.
        failure: What ended the worker, if it failed.
        batch_limit: Pictures that are encoded together at most; less than configured after the memory was not enough.
    """

    def __init__(
        self,
        load: Callable[[], Engine],
        queue: DeviceQueue,
        settings: ServiceSettings,
        metrics: Metrics,
        watchdog: Watchdog,
        on_state: Callable[[WorkerState], None],
        clock: Clock = time.monotonic,
    ) -> None:
        """Prepare the worker; ``start`` starts it.

        Args:
            load: Makes the engine; called on the worker's thread.
            queue: What waits for the device; the worker opens and closes it.
            settings: How batches are put together, and how often an idle device is tried.
            metrics: Counts batches.
            watchdog: Watches the device.
            on_state: Told each new state, on the thread that brought it about.
            clock: Returns seconds; the queue's.
        """
        self.state = WorkerState.LOADING
        self.failure: BaseException | None = None
        self.batch_limit = settings.max_batch_size
        self._load = load
        self._queue = queue
        self._settings = settings
        self._metrics = metrics
        self._watchdog = watchdog
        self._on_state = on_state
        self._clock = clock
        self._changing_state = threading.Lock()
        self._engine: Engine
        self._full_batches = 0
        self._forward_at: float | None = None
        self._idle_since: float | None = None  # None: something waited already when the last batch was done
        self._full_by: float | None = None  # until when the next batch waits for others
        self._thread = threading.Thread(target=self._run, name="placefix-device", daemon=True)
        queue.close(WHY_CLOSED[WorkerState.LOADING])

    @property
    def since_forward_s(self) -> float:
        """Seconds since the device last encoded something; 0 while loading."""
        return 0.0 if self._forward_at is None else self._clock() - self._forward_at

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
            self._queue.fail_all(NotReady(WHY_CLOSED[WorkerState.FAILED]))

    def load(self) -> None:
        """Load the engine; the thread's first step."""
        try:
            self._engine = self._load()
        except BaseException as error:  # noqa: BLE001 - nothing may end this thread unseen: all who wait are told
            self.fail(error)
            return
        self._forward_at = self._idle_since = self._clock()  # loading ends with a query
        self._enter(WorkerState.READY)

    def step(self) -> float | None:
        """Do what is next: a device task, a batch, a trial of the device, or the end.

        Returns:
            Seconds until there is something to do, unless something is put in the queue before: 0 if there may be now,
            None if there will be nothing.
        """
        try:
            return self._do_next()
        except BaseException as error:  # noqa: BLE001 - as above
            self.fail(error)
            return 0

    def _run(self) -> None:
        lower_priority()
        self.load()
        while self.state in (WorkerState.READY, WorkerState.STOPPING):
            self._queue.has_changed.clear()
            pause_s = self.step()
            if pause_s != 0:
                self._queue.has_changed.wait(pause_s)

    def _do_next(self) -> float | None:
        """Do as ``step`` says; a function of its own, so that an idle worker keeps nothing of the last batch."""
        is_stopping = self.state is WorkerState.STOPPING  # looked at first: from then on nothing is put in
        if (task := self._queue.take_task()) is not None:
            self._do(*task)
            self._queue.finish()
            return 0
        if self._queue.depth == 0:
            if not is_stopping:
                return self._idle()
            self._enter(WorkerState.STOPPED)
            return 0
        if not is_stopping and (pause_s := self._wait_for_more_s()) > 0:
            return pause_s
        self._full_by = None
        if batch := self._queue.take(self.batch_limit):
            self._metrics.batch_taken(len(batch))
            with self._watchdog.watching(DeviceStuck, "the device") as beat:
                self._answer_batch(batch, beat)
            self._queue.finish()
            self._idle_since = None
        return 0

    def _do(self, function: Callable[[], Any], future: "Future[Any]") -> None:
        """Do a device task; only a fatal error is the worker's own."""
        try:
            with self._watchdog.watching(DeviceStuck, "the device"):
                result = function()
        except BaseException as error:
            settle(future, error=error)
            if isinstance(error, self._engine.fatal_errors) or not isinstance(error, Exception):
                raise
        else:
            settle(future, result)

    def _idle(self) -> float | None:
        """Try the device from time to time, to see that it still can."""
        interval_s, self._full_by = self._settings.probe_interval_s, None
        if self._idle_since is None:
            self._idle_since = self._clock()
        if not interval_s:
            return None
        pause_s = self._idle_since + interval_s - self._clock()
        if pause_s > 0:
            return pause_s
        with self._watchdog.watching(DeviceStuck, "the device"):
            self._engine.probe()
        self._forward_at = self._idle_since = self._clock()
        return 0

    def _wait_for_more_s(self) -> float:
        """Return how long a batch waits to become full: only after another one, during which queries have come."""
        if self._idle_since is not None or self._queue.depth >= self.batch_limit:
            return 0
        if self._full_by is None:
            self._full_by = self._clock() + self._settings.batch_delay_ms / 1000
        return self._full_by - self._clock()

    def _answer_batch(self, batch: Sequence[Ticket], beat: Callable[[], None]) -> None:
        """Encode together, then answer one after the other; a fatal error goes through, and leaves some unanswered."""
        begun_at = batch[0].begun_at = self._clock()
        is_too_large = False
        try:
            encoded = self._engine.encode([ticket.query for ticket in batch])
        except self._engine.fatal_errors:
            raise
        except self._engine.memory_errors:
            is_too_large = True
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to one query and must reach that one
            if len(batch) == 1:
                settle(batch[0].future, error=error)
                return
            for ticket in batch:
                self._answer_batch([ticket], beat)
            return
        if is_too_large:  # no longer in the except block, where the error keeps what was allocated
            self._answer_in_parts(batch, beat)
            return
        forward_at = self._forward_at = self._clock()
        beat()
        self._note_fit(len(batch))
        for ticket, features in zip(batch, encoded, strict=True):
            ticket.begun_at = self._clock()
            ticket.queue_s = (begun_at - ticket.enqueued_at) + (ticket.begun_at - forward_at)
            self._answer(ticket, features, beat)
            beat()

    def _answer(self, ticket: Ticket, features: EncodedQuery, beat: Callable[[], None]) -> None:
        def is_wanted() -> bool:
            beat()
            return ticket.is_wanted()

        try:
            settle(ticket.future, self._engine.answer(ticket.query, features, is_wanted))
        except self._engine.fatal_errors:
            raise
        except self._engine.memory_errors:
            settle(ticket.future, error=Overloaded(_NO_MEMORY))
        except Exception as error:  # noqa: BLE001 - as above
            settle(ticket.future, error=error)

    def _answer_in_parts(self, batch: Sequence[Ticket], beat: Callable[[], None]) -> None:
        self._engine.free_memory()
        self._metrics.batch_too_large(len(batch))
        self._full_batches = 0
        self.batch_limit = max(1, min(self.batch_limit, len(batch) // 2))
        if len(batch) == 1:
            settle(batch[0].future, error=Overloaded(_NO_MEMORY))
            return
        while batch:  # a part that does not fit either makes those after it smaller, too
            part, batch = batch[: self.batch_limit], batch[self.batch_limit :]
            self._answer_batch(part, beat)

    def _note_fit(self, size: int) -> None:
        if size < self.batch_limit or self.batch_limit == self._settings.max_batch_size:
            return
        self._full_batches += 1
        if self._full_batches >= _FULL_BATCHES_UNTIL_LARGER:
            self.batch_limit, self._full_batches = self.batch_limit + 1, 0

    def _enter(self, state: WorkerState, failure: BaseException | None = None) -> bool:
        """Go over to a state, if it may follow the one that the worker is in; return whether."""
        with self._changing_state:
            if self.state not in _MAY_FOLLOW[state]:
                return False
            self.failure = failure
            if state is WorkerState.READY:
                self._queue.open(self._engine.expected_s)
            else:
                self._queue.close(WHY_CLOSED[state])
            self.state = state
            self._on_state(state)
            return True
