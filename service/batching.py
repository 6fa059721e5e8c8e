"""One thread owns the device; requests wait in a bounded queue and are encoded together.

A batch is whatever waits at the moment when the thread is free: on an idle service that is one request, without delay.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from service.batch_options import Batching
from service.batch_runner import BatchRunner
from service.errands import Errands
from service.errors import DeviceStuck, NotReady, Overloaded
from service.heartbeat import Heartbeat, Watchdog
from service.processor import BatchObserver, Processor
from service.reservation import Reservation
from service.thread_priority import step_back
from service.ticket_queue import TicketQueue
from service.tickets import Ticket
from service.worker_state import NOT_READY, WorkerState

Item = TypeVar("Item")
Encoded = TypeVar("Encoded")
Done = TypeVar("Done")
Result = TypeVar("Result")


_QUEUE_SHARE = 0.5  # of the time until a request's deadline that it may be expected to wait; half is for surprises


class DeviceWorker(Generic[Item, Encoded, Result]):
    """A supervised thread that loads a processor and then answers what is submitted.

    The processor is loaded on this very thread, because a GPU index must be used by the thread that made it.

    Attributes:
        failure: What ended the worker, if it failed.
    """

    def __init__(
        self,
        load: Callable[[], Processor[Item, Encoded, Result]],
        batching: Batching,
        *,
        observer: BatchObserver,
        on_state: Callable[[WorkerState], None],
    ) -> None:
        """Prepares the worker; ``start`` starts it.

        Args:
            load: Makes the processor; called on the worker's thread.
            batching: How requests wait and are put together.
            observer: Is told about batches and dropped entries.
            on_state: Is told each new state, on the thread that brought it about.
        """
        self.failure: BaseException | None = None
        self._load = load
        self._batching = batching
        self._observer = observer
        self._on_state = on_state
        self._changed = threading.Condition()
        self._queue: TicketQueue[Item, Result] = TicketQueue(batching.queue_size, observer.entry_dropped)
        self._errands = Errands()
        self._in_flight: Sequence[Ticket[Item, Result]] = ()
        self._is_busy = False  # something waited already when the last batch was done
        self._processor: Processor[Item, Encoded, Result] | None = None
        self._runner: BatchRunner[Item, Encoded, Result] | None = None
        self._heartbeat = Heartbeat(batching.stuck_after_s)
        self._watchdog = Watchdog(self._heartbeat, self._give_up)
        self._state = WorkerState.LOADING
        self._thread = threading.Thread(target=self._run, name="placefix-device", daemon=True)

    @property
    def state(self) -> WorkerState:
        """Where the worker is in its life."""
        return self._state

    @property
    def queue_depth(self) -> int:
        """Requests that wait now."""
        return len(self._queue)

    @property
    def batch_limit(self) -> int:
        """Requests that are encoded together at most, at the moment."""
        return self._batching.max_batch_size if self._runner is None else self._runner.limit

    @property
    def since_forward_s(self) -> float:
        """Seconds since the device last encoded something; 0 while loading."""
        return 0.0 if self._runner is None else time.monotonic() - self._runner.forward_at

    def start(self) -> None:
        """Starts the thread, which begins to load."""
        self._thread.start()

    @property
    def is_ready(self) -> bool:
        """Whether requests are answered: loaded, not stopping, alive, and not stuck."""
        return self._state is WorkerState.READY and not self._heartbeat.is_stuck

    def check_ready(self) -> None:
        """Passes if the worker answers.

        Raises:
            NotReady: Loading, stopping, dead or stuck.
        """
        if self._state is not WorkerState.READY:
            raise NotReady(NOT_READY[self._state])
        if self._heartbeat.is_stuck:
            raise NotReady(self._stuck_sentence())

    def check_room(self) -> None:
        """Passes if a request would get a place; in constant time.

        Raises:
            Overloaded: The queue is full.
        """
        with self._changed:
            self._queue.check_room()

    def check_wait(self, deadline: float | None) -> None:
        """Passes if a request would be answered in time.

        Args:
            deadline: On the clock of ``time.monotonic``.

        Raises:
            Overloaded: What waits already takes longer than the deadline allows.
        """
        with self._changed:
            wait_s = self._expected_wait_s()
        if deadline is not None and wait_s > _QUEUE_SHARE * max(0.0, deadline - time.monotonic()):
            raise Overloaded(f"the pictures that wait already take about {wait_s:.0f} seconds; try again in a moment")

    def reserve(self) -> Reservation[Item, Result]:
        """Takes a place in the queue for a request that is not complete yet.

        Raises:
            NotReady: Loading, stopping, dead or stuck.
            Overloaded: The queue is full.
        """
        with self._changed:
            self.check_ready()
            self._queue.reserve()
        return Reservation(self._submit_reserved, self._give_back)

    def submit(self, item: Item, deadline: float | None = None) -> Ticket[Item, Result]:
        """Puts a request in the queue.

        Args:
            item: The request.
            deadline: On the clock of ``time.monotonic``; afterwards the request is dropped.

        Raises:
            NotReady: Loading, stopping, dead or stuck.
            Overloaded: The queue is full, or takes longer than the deadline allows.
        """
        with self.reserve() as reservation:
            return reservation.submit(item, deadline)

    def call(self, function: Callable[[], Done]) -> "Future[Done]":
        """Has a function called on the device's thread, before the next batch.

        Raises:
            NotReady: Loading, stopping or dead.
        """
        with self._changed:
            if self._state is not WorkerState.READY:
                raise NotReady(NOT_READY[self._state])
            future = self._errands.add(function)
            self._changed.notify()
        return future

    def stop(self, timeout_s: float) -> bool:
        """Answers what waits, then ends the thread; one that has been given up is not waited for.

        Returns:
            Whether the thread has ended in that time.
        """
        with self._changed:
            if self._state in (WorkerState.LOADING, WorkerState.READY):
                self._set_state(WorkerState.STOPPING)
            self._changed.notify()
        if self._thread.ident is None:
            return True
        self._thread.join(0 if isinstance(self.failure, DeviceStuck) else timeout_s)
        self._watchdog.stop()
        return not self._thread.is_alive()

    def _submit_reserved(self, item: Item, deadline: float | None) -> Ticket[Item, Result]:
        ticket: Ticket[Item, Result] = Ticket(item, deadline)
        with self._changed:
            self.check_ready()
            self.check_wait(deadline)
            self._queue.fill(ticket)
            self._changed.notify()
        return ticket

    def _give_back(self) -> None:
        with self._changed:
            self._queue.give_back()

    def _run(self) -> None:
        try:
            step_back()
            processor = self._processor = self._load()
            runner = self._runner = BatchRunner(
                processor, self._heartbeat, self._observer, self._batching.max_batch_size
            )
            with self._changed:
                if self._state is WorkerState.LOADING:
                    self._set_state(WorkerState.READY)
            self._watchdog.start()
            while self._do_next(processor, runner):
                pass
        except BaseException as error:  # noqa: BLE001 - nothing may end this thread unseen: everybody who waits is told
            self._die(error)
        else:
            with self._changed:
                if self._state is not WorkerState.FAILED:
                    self._set_state(WorkerState.STOPPED)

    def _do_next(self, processor: Processor[Item, Encoded, Result], runner: BatchRunner[Item, Encoded, Result]) -> bool:
        """Waits for an errand or a batch, and does it; whether more may come.

        A function of its own, so that an idle worker keeps nothing of the last one in memory.
        """
        errand, batch, has_work = None, [], True
        with self._changed:
            if not self._has_work():
                self._is_busy = False
                has_work = self._changed.wait_for(self._has_work, self._batching.probe_interval_s or None)
            elif self._is_busy:
                self._wait_for_more(runner.limit)
            if self._errands:
                errand = self._errands.take()
            elif self._queue:
                batch = self._queue.take(runner.limit)
                self._in_flight = batch
            elif has_work:
                return False
            self._heartbeat.beat()
        if errand is not None:
            errand(processor.fatal_errors)
        elif batch:
            self._observer.batch_taken(len(batch))
            runner.run(batch)
            self._in_flight, self._is_busy = (), True
        elif not has_work:
            runner.probe()
        self._heartbeat.rest()
        return True

    def _has_work(self) -> bool:
        return bool(self._queue or self._errands or self._state is not WorkerState.READY)

    def _wait_for_more(self, limit: int) -> None:
        """Gives others the time to join a batch that is not full; the lock is held, and given up meanwhile.

        Only after another batch: what waits has come during that, and so more is to be expected.
        """

        def is_enough() -> bool:
            return bool(len(self._queue) >= limit or self._errands or self._state is not WorkerState.READY)

        if self._batching.delay_s:
            self._changed.wait_for(is_enough, self._batching.delay_s)

    def _expected_wait_s(self) -> float:
        """Seconds until all that waits and all that is being answered will be done; the lock is held."""
        processor = self._processor
        if processor is None:
            return 0.0
        begun_s = sum(processor.expected_s(ticket.item) for ticket in self._in_flight if not ticket.future.done())
        return max(0.0, begun_s - self._heartbeat.working_s) + self._queue.expected_s(processor.expected_s)

    def _give_up(self) -> None:
        """Ends a worker whose thread does not come back; called by the watchdog."""
        self._die(DeviceStuck(self._stuck_sentence()))

    def _stuck_sentence(self) -> str:
        return f"the device has made no progress for {self._batching.stuck_after_s:g} seconds"

    def _die(self, error: BaseException) -> None:
        with self._changed:
            if self._state is WorkerState.FAILED:
                return  # a stuck thread that comes back after all
            self.failure = error
            left = [ticket for ticket in self._in_flight if not ticket.future.done()] + self._queue.take_all()
            self._set_state(WorkerState.FAILED)
            self._errands.fail(NotReady(NOT_READY[WorkerState.FAILED]))
        for ticket in left:
            ticket.fail(NotReady(NOT_READY[WorkerState.FAILED]))

    def _set_state(self, state: WorkerState) -> None:
        self._state = state
        self._on_state(state)
