"""Random sequences of all that happens to queue and worker, beside a model of a few lines.

Nothing runs by itself: the worker's steps are taken one by one, and the clock goes on when it is told to. So a sequence
that fails fails again.
"""

import math
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from service.device_queue.queue import Ticket
from service.device_queue.worker import WorkerState
from service.errors import NotReady, Overloaded
from tests.clock import FakeClock
from tests.service.device_queue.doubler import BrokenDevice, Doubler, Observed, make_device, query

BATCH, DELAY_S, PROBE_INTERVAL_S = 2, 1.0, 10.0

GOOD, BAD, FATAL = "good", "bad", "fatal"
KINDS = st.sampled_from([GOOD, GOOD, BAD])
DEADLINES_S = st.sampled_from([math.inf, 5.0])
ERRORS = {BAD: ValueError("bad"), FATAL: BrokenDevice("gone")}
OUTCOMES = {ValueError: BAD, BrokenDevice: FATAL, Overloaded: "late", NotReady: "died"}


@dataclass(eq=False)
class Asked:
    """What the model knows of a query or a device task."""

    kind: str
    deadline: float
    future: "Future[Any]"
    ticket: Ticket | None = None
    outcome: str = "open"


@dataclass(eq=False)
class Place:
    """A place that is reserved."""

    block: ExitStack
    submit: Any
    deadline: float


def outcome_of(future: "Future[Any]") -> str:
    if not future.done():
        return "open"
    if future.cancelled():
        return "gone"
    error = future.exception()
    return GOOD if error is None else OUTCOMES[type(error)]


class DeviceQueueMachine(RuleBasedStateMachine):
    asked = Bundle("asked")
    places = Bundle("places")

    @initialize(size=st.integers(1, 3))
    def start(self, size: int) -> None:
        self.clock, self.engine, self.observed = FakeClock(), Doubler(), Observed()
        self.engine.gate.set()
        options = {"queue_size": size, "max_batch_size": BATCH, "probe_interval_s": PROBE_INTERVAL_S}
        device = make_device(self.engine, self.observed, clock=self.clock, batch_delay_ms=1000 * DELAY_S, **options)
        self.queue, self.worker, self.size = device.queue, device.worker, size
        self.worker.load()
        # The model.
        self.state, self.everything = WorkerState.READY, list[Asked]()
        self.waiting, self.tasks, self.dropped = list[Asked](), list[Asked](), list[str]()
        self.reserved, self.probes, self.limit, self.swept_at = 0, 0, BATCH, -math.inf
        self.idle_since: float | None = None
        self.full_by: float | None = None

    @rule(target=asked, kind=KINDS, deadline_s=DEADLINES_S)
    def submit(self, kind: str, deadline_s: float) -> Any:
        if not self.can_reserve():
            self.check_refused(lambda: self.queue.reserve(deadline_s).__enter__())
            return multiple()
        with self.queue.reserve(deadline_s) as submit:
            return self.put(submit, kind, self.clock.now + deadline_s)

    @rule(target=places, deadline_s=DEADLINES_S)
    def reserve(self, deadline_s: float) -> Any:
        if not self.can_reserve():
            self.check_refused(lambda: self.queue.reserve(deadline_s).__enter__())
            return multiple()
        block = ExitStack()
        self.reserved += 1
        return Place(block, block.enter_context(self.queue.reserve(deadline_s)), self.clock.now + deadline_s)

    @rule(target=asked, place=consumes(places), kind=KINDS)
    def fill(self, place: Place, kind: str) -> Any:
        self.reserved -= 1
        with place.block:
            if self.state is WorkerState.READY:
                return self.put(place.submit, kind, place.deadline)
            self.check_refused(lambda: place.submit(query(0)))
        return multiple()

    @rule(place=consumes(places))
    def give_back(self, place: Place) -> None:
        self.reserved -= 1
        place.block.close()

    @rule(target=asked, kind=KINDS)
    def call(self, kind: str) -> Any:
        return self.put_task(kind)

    @rule(target=asked)
    def call_what_breaks_the_device(self) -> Any:
        return self.put_task(FATAL)

    def put_task(self, kind: str) -> Any:
        def function() -> None:
            if kind != GOOD:
                raise ERRORS[kind]

        if self.state is not WorkerState.READY:
            self.check_refused(lambda: self.queue.call(function))
            return multiple()
        self.tasks.append(self.note(Asked(kind, math.inf, self.queue.call(function))))
        return self.tasks[-1]

    @rule()
    def look_for_room(self) -> None:
        """As is done for each query that comes; it looks at no more than the room."""
        if self.find_room():
            self.queue.check_room()
        else:
            self.check_refused(self.queue.check_room)

    @rule()
    def break_device(self) -> None:
        """Break it with the next batch."""
        for each in self.waiting:
            each.kind = FATAL
            self.engine.fatal |= {self.everything.index(each)}

    @rule(asked=consumes(asked))
    def abandon(self, asked: Asked) -> None:
        if asked.ticket is None:
            asked.future.cancel()
        else:
            asked.ticket.abandon()
        if asked.outcome == "open":
            asked.outcome = "gone"

    @rule(seconds=st.sampled_from([0.5, 2.0, 6.0, 12.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(fits=st.sampled_from([1, BATCH]))
    def change_memory(self, fits: int) -> None:
        self.engine.fits = fits

    @rule()
    def stop(self) -> None:
        self.worker.stop(0)
        if self.state is WorkerState.READY:
            self.state = WorkerState.STOPPING

    @rule()
    def step(self) -> None:
        if self.state not in (WorkerState.READY, WorkerState.STOPPING):
            return  # the thread has ended
        expected = self.expect_step()
        assert self.worker.step() == expected

    def expect_step(self) -> float | None:
        """What the worker does next, and what it answers."""
        now, is_stopping = self.clock.now, self.state is WorkerState.STOPPING
        self.tasks = [task for task in self.tasks if task.outcome == "open"]
        if self.tasks:
            self.settle([self.tasks.pop(0)])
            return 0
        if not self.waiting:
            return self.expect_idleness(now, is_stopping=is_stopping)
        if self.idle_since is None and len(self.waiting) < self.limit and not is_stopping:
            self.full_by = self.full_by or now + DELAY_S
            if now < self.full_by:
                return self.full_by - now
        self.full_by = None
        first, self.waiting = self.waiting[: self.limit], self.waiting[self.limit :]
        if batch := [each for each in first if not self.drop(each)]:
            self.idle_since = None
            if len(batch) > self.engine.fits and all(each.kind != FATAL for each in batch):
                self.limit = 1
            self.settle(batch)
        return 0

    def expect_idleness(self, now: float, *, is_stopping: bool) -> float | None:
        self.full_by = None
        if is_stopping:
            self.state = WorkerState.STOPPED
            return 0
        if self.idle_since is None:
            self.idle_since = now
        if now < self.idle_since + PROBE_INTERVAL_S:
            return self.idle_since + PROBE_INTERVAL_S - now
        self.probes, self.idle_since = self.probes + 1, now
        return 0

    def settle(self, done: list[Asked]) -> None:
        """All that the device takes gets its outcome; a fatal one ends all."""
        is_fatal = any(each.kind == FATAL for each in done)
        for each in done:
            each.outcome = "died" if is_fatal and each.ticket is not None else each.kind
        if is_fatal:
            self.state = WorkerState.FAILED
            for each in self.waiting + self.tasks:
                each.outcome = "died" if each.outcome == "open" else each.outcome
            self.waiting, self.tasks = [], []

    def drop(self, each: Asked) -> bool:
        """Whether nobody waits for a query any more; then it is counted."""
        is_late = self.clock.now > each.deadline
        if is_late and each.outcome == "open":
            each.outcome = "late"
        if each.outcome == "open":
            return False
        self.dropped.append("deadline" if is_late else "client_gone")
        return True

    def can_reserve(self) -> bool:
        return self.state is WorkerState.READY and self.find_room()

    def find_room(self) -> bool:
        if len(self.waiting) + self.reserved >= self.size and self.clock.now > self.swept_at:
            self.waiting, self.swept_at = [each for each in self.waiting if not self.drop(each)], self.clock.now
        return len(self.waiting) + self.reserved < self.size

    def check_refused(self, ask: Any) -> None:
        try:
            ask()
        except (Overloaded, NotReady) as error:
            assert isinstance(error, Overloaded) or self.state is not WorkerState.READY
        else:
            raise AssertionError("it was taken")

    def put(self, submit: Any, kind: str, deadline: float) -> Asked:
        number = len(self.everything)
        if kind == BAD:
            self.engine.cannot_encode |= {number}
        ticket = submit(query(number))
        self.waiting.append(self.note(Asked(kind, deadline, ticket.future, ticket)))
        return self.waiting[-1]

    def note(self, asked: Asked) -> Asked:
        self.everything.append(asked)
        return asked

    @invariant()
    def is_as_the_model_says(self) -> None:
        assert self.worker.state is self.state
        assert self.queue.depth == len(self.waiting)
        assert self.worker.batch_limit == self.limit
        assert self.engine.probes == self.probes
        assert self.observed.reasons == self.dropped
        assert [outcome_of(each.future) for each in self.everything] == [each.outcome for each in self.everything]

    def teardown(self) -> None:
        """Whatever has happened, a worker that is stopped ends soon, and nobody waits for ever."""
        self.stop()
        for _ in range(len(self.everything) + 1):
            self.step()
        assert self.worker.state in (WorkerState.STOPPED, WorkerState.FAILED)
        self.is_as_the_model_says()
        assert all(each.future.done() for each in self.everything)


TestDeviceQueue = DeviceQueueMachine.TestCase
TestDeviceQueue.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
