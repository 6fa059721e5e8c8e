"""Run the one thread that owns the device: it loads the engine, and then answers the queries that wait.

A batch is the queries that wait when the thread becomes free: on an idle service that is one query, without delay. An
error of one picture fails only that picture: a batch that fails is halved until that picture is alone. After a batch
that did not fit into the device's memory, later batches are smaller until enough of them have fitted.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import Enum

from service.device_queue.queue import DeviceQueue, Task
from service.device_queue.ticket import Ticket, settle
from service.encoded_query import EncodedQuery
from service.engine import Engine
from service.errors import DeviceStuck, NotReady, Overloaded
from service.metrics import Metrics
from service.settings import ServiceSettings
from service.thread_priority import lower_priority
from service.watchdog import Watchdog


class WorkerState(Enum):
    """List the states of a worker, each with the reason to refuse queries; it ends in one of the last two."""

    LOADING = "the service is still loading its network and maps; try again in a moment"
    READY = None
    STOPPING = "the service is stopping"
    STOPPED = "the service has stopped"
    FAILED = "the service's worker has died; the service must be restarted"


_ALIVE = (WorkerState.LOADING, WorkerState.READY, WorkerState.STOPPING)
NO_MEMORY = "the device has no memory for this picture at the moment; try again, or ask for a shorter shortlist"
_ANSWERED_ELSEWHERE = 16  # queries that shards answer at once
_FULL_BATCHES_UNTIL_LARGER = 100  # batches that fitted, before one picture more is tried


@dataclass(eq=False)
class DeviceWorker:
    """Run a thread that ends only on request or by a failure.

    Attributes:
        load: A function that makes the engine, on the worker's thread: only the thread that made a GPU index may use
            it.
        queue: The queries and tasks that wait for the device; the worker opens and closes the queue.
        on_state: A function that gets each new state, on the thread that caused it.
        failure: The error that ended the worker, if it failed.
        forward_at: The time of the last encoding, on the queue's clock; infinite while loading.
        batch_limit: The most pictures that are encoded together; reduced after the memory was not enough.
        probe_interval_s: The seconds of idleness after which the device is tried.
    """

    load: Callable[[], Engine]
    queue: DeviceQueue
    settings: ServiceSettings
    metrics: Metrics
    watchdog: Watchdog
    on_state: Callable[[WorkerState], None]
    probe_interval_s: float = 60.0
    state: WorkerState = field(default=WorkerState.LOADING, init=False)
    failure: BaseException | None = field(default=None, init=False)
    forward_at: float = field(default=math.inf, init=False)

    def __post_init__(self) -> None:
        self.batch_limit = self.settings.max_batch_size
        self._changing_state = threading.Lock()
        self._engine: Engine
        self._full_batches = 0
        self._idle_since: float | None = None  # None: the last step answered a batch
        self._thread = threading.Thread(target=self._run, name="placefix-device", daemon=True)
        self._elsewhere = ThreadPoolExecutor(_ANSWERED_ELSEWHERE, "placefix-answer")
        self._answering: set[Future[None]] = set()
        self.queue.open_or_close(self.state.value)

    def start(self) -> None:
        """Start the thread, which begins to load."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Answer all that wait, end the thread without waiting for a stuck one, and return whether it has ended."""
        self._enter(WorkerState.STOPPING, WorkerState.LOADING, WorkerState.READY)
        end_at = time.monotonic() + timeout_s
        if self._thread.is_alive():
            self._thread.join(0 if isinstance(self.failure, DeviceStuck) else timeout_s)
        wait(self._answering.copy(), 0 if self.failure is not None else max(0.0, end_at - time.monotonic()))
        self._elsewhere.shutdown(wait=False)
        return not self._thread.is_alive()

    def fail(self, error: BaseException) -> None:
        """End the worker, and fail all that wait; ignored if it has ended already; safe to call on any thread."""
        if self._enter(WorkerState.FAILED, *_ALIVE, failure=error):
            self.queue.fail_all(NotReady(WorkerState.FAILED.value))

    def step(self) -> float:
        """Run the next piece of work: load, a device task, a batch, a trial of the device, or the end.

        Returns:
            The seconds until the next piece of work, unless something is put into the queue earlier: 0 if there may be
            one now.
        """
        try:
            if self.state is WorkerState.LOADING:
                self._engine = self.load()
                self.queue.expected_s = self._engine.expected_s
                self.forward_at = self._idle_since = self.queue.clock()  # loading ends with a query
                self._enter(WorkerState.READY, WorkerState.LOADING)
                return 0
            with self.watchdog.watching(DeviceStuck, "the device") as beat:
                return self._do_next(beat)
        except BaseException as error:  # noqa: BLE001 - nothing may end this thread unseen: all that wait are told
            self.fail(error)
            return 0

    def _run(self) -> None:
        lower_priority()
        while self.state in _ALIVE:
            self.queue.has_changed.clear()
            if (pause_s := self.step()) != 0:
                self.queue.has_changed.wait(pause_s)

    def _do_next(self, beat: Callable[[], None]) -> float:
        """Run the work of ``step``; its own function, so that an idle worker keeps no reference to the last batch."""
        is_stopping = self.state is WorkerState.STOPPING  # read first: from then on nothing is put in
        if (task := self.queue.take_task()) is not None:
            self._do(task)
        elif self.queue.depth == 0 and is_stopping:
            self._enter(WorkerState.STOPPED, WorkerState.STOPPING)
        elif self.queue.depth == 0:
            return self._idle()
        elif batch := self.queue.take(self.batch_limit):
            self.metrics.batch_taken(len(batch))
            self._answer_batch(batch, beat)
            self._idle_since = None
        return 0

    def _do(self, task: Task) -> None:
        """Run a device task; only a fatal error ends the worker."""
        function, future = task
        try:
            settle(future, function())
        except Exception as error:
            settle(future, error=error)
            if isinstance(error, self._engine.fatal_errors):
                raise

    def _idle(self) -> float:
        """Try the device from time to time, to check that it still works."""
        if self._idle_since is None:
            self._idle_since = self.queue.clock()
        if (pause_s := self._idle_since + self.probe_interval_s - self.queue.clock()) > 0:
            return pause_s
        self._engine.probe()
        self.forward_at = self._idle_since = self.queue.clock()
        return 0

    def _answer_batch(self, batch: Sequence[Ticket], beat: Callable[[], None]) -> None:
        """Answer the queries that can be encoded together; pass a fatal error on, and leave some queries unanswered
        then.
        """
        size = len(batch)
        while part := batch[:size]:
            if self._answer_together(part, beat):
                batch = batch[size:]
            else:
                size = len(part) // 2  # for the parts after it, too

    def _answer_together(self, batch: Sequence[Ticket], beat: Callable[[], None]) -> bool:
        """Encode together, then answer one after the other; return False if the batch must be tried in parts."""
        batch[0].has_begun = True
        encoded, is_too_large = None, False
        try:
            encoded = self._engine.encode([ticket.query for ticket in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to one query and must reach that one
            is_too_large = isinstance(error, self._engine.memory_errors)
            if len(batch) == 1 or isinstance(error, self._engine.fatal_errors):
                self._refuse(batch[0], error)
        if is_too_large:  # no longer in the except block, where the error keeps the memory
            self._engine.free_memory()
            self.metrics.batch_too_large(len(batch))
            self.batch_limit, self._full_batches = max(1, min(self.batch_limit, len(batch) // 2)), 0
        if encoded is None:
            return len(batch) == 1
        self.forward_at = self.queue.clock()
        if len(batch) == self.batch_limit < self.settings.max_batch_size:
            self._full_batches += 1
            if self._full_batches == _FULL_BATCHES_UNTIL_LARGER:
                self.batch_limit, self._full_batches = self.batch_limit + 1, 0
        for ticket, features in zip(batch, encoded, strict=True):
            beat()
            ticket.has_begun = True
            if self._engine.shards is None:
                self._answer(ticket, features, beat)
            else:
                answering = self._elsewhere.submit(self._answer_elsewhere, ticket, features)
                self._answering.add(answering)
                answering.add_done_callback(self._answering.discard)
        return True

    def _answer_elsewhere(self, ticket: Ticket, features: EncodedQuery) -> None:
        """Answer on another thread, without the device; an error there is not a failure of the device."""
        try:
            self._answer(ticket, features, lambda: None)
        except BaseException as error:  # noqa: BLE001 - nobody would see it on that thread
            settle(ticket.future, error=error)
            self.fail(error)

    def _answer(self, ticket: Ticket, features: EncodedQuery, beat: Callable[[], None]) -> None:
        def is_wanted() -> bool:
            beat()
            return ticket.is_wanted()

        try:
            settle(ticket.future, self._engine.answer(ticket.query, features, is_wanted))
        except Exception as error:  # noqa: BLE001 - as above
            self._refuse(ticket, error)

    def _refuse(self, ticket: Ticket, error: Exception) -> None:
        """Give a query its error; raise a fatal one, which ends the worker."""
        if isinstance(error, self._engine.fatal_errors):
            raise error
        settle(ticket.future, error=Overloaded(NO_MEMORY) if isinstance(error, self._engine.memory_errors) else error)

    def _enter(self, state: WorkerState, *before: WorkerState, failure: BaseException | None = None) -> bool:
        """Change to a state if the worker is in one of the states given before it; return whether it was."""
        with self._changing_state:
            if self.state not in before:
                return False
            self.failure = failure
            self.queue.open_or_close(state.value)
            self.state = state
            self.on_state(state)
            return True
