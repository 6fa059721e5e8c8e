"""Random sequences of all that happens to queue and worker, beside a model of a few lines.

Nothing runs by itself: the worker's steps are taken one by one, and the clock goes on when it is told to. So a sequence
that fails fails again.
"""

import math
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from service.device_queue.ticket import Ticket
from service.device_queue.worker import WorkerState
from service.errors import NotReady, Overloaded
from tests.clock import FakeClock
from tests.examples import counted, examples
from tests.service.device_queue.doubler import BrokenDevice, Doubler, Observed, make_device, query

BATCH, PROBE_INTERVAL_S = 2, 10.0

LEAST_LIFE = 6  # queries and tasks

GOOD, BAD, FATAL = "good", "bad", "fatal"
KINDS = st.sampled_from([GOOD, GOOD, BAD])
DEADLINES_S = st.sampled_from([math.inf, 5.0])
ERRORS = {BAD: ValueError("bad"), FATAL: BrokenDevice("gone")}
OUTCOMES: dict[type[BaseException], str] = {ValueError: BAD, BrokenDevice: FATAL, Overloaded: "late", NotReady: "died"}


@dataclass(eq=False)
class Asked:
    """Hold the model's state of a query or a device task."""

    kind: str
    deadline: float
    future: "Future[Any]"
    ticket: Ticket | None = None
    outcome: str = "open"


@dataclass(eq=False)
class Place:
    """Hold a place that is reserved."""

    block: ExitStack
    submit: Callable[..., list[Ticket]]
    deadline: float


def outcome_of(future: "Future[Any]") -> str:
    if not future.done():
        return "open"
    if future.cancelled():
        return "gone"
    error = future.exception()
    return GOOD if error is None else OUTCOMES[type(error)]


class DeviceQueueMachine(RuleBasedStateMachine):
    places = Bundle("places")

    @initialize(size=st.integers(1, 3), pictures=st.integers(0, 2))
    def start(self, size: int, pictures: int) -> None:
        """Start a worker that may have answered pictures already."""
        self.clock, self.engine, self.observed = FakeClock(), Doubler(), Observed()
        self.engine.gate.set()
        device = make_device(
            self.engine,
            self.observed,
            clock=self.clock,
            queue_size=size,
            max_batch_size=BATCH,
            probe_interval_s=PROBE_INTERVAL_S,
        )
        self.queue, self.worker, self.size = device.queue, device.worker, size
        self.worker.step()
        # The model.
        self.state, self.everything = WorkerState.READY, list[Asked]()
        self.waiting, self.tasks, self.dropped = list[Asked](), list[Asked](), list[str]()
        self.reserved, self.probes, self.limit, self.swept_at = 0, 0, BATCH, -math.inf
        self.idle_since: float | None = 0.0
        for _ in range(pictures):
            self.submit(GOOD, math.inf)
            self.step()

    @rule(kind=KINDS, deadline_s=DEADLINES_S, count=st.sampled_from([1, 1, 1, 2, 3]), runs=st.booleans())
    def come(self, kind: str, deadline_s: float, count: int, *, runs: bool) -> None:
        """Send a request of one or several pictures, before which the worker may have run."""
        if runs:
            self.run()
        self.submit(kind, deadline_s, count)

    def submit(self, kind: str, deadline_s: float, count: int = 1) -> None:
        if not self.can_reserve(count):
            self.check_refused(self.queue.reserve(deadline_s, count).__enter__)
            return
        with self.queue.reserve(deadline_s, count) as submit:
            self.put(submit, kind, self.clock.now + deadline_s, count)

    @rule(target=places, deadline_s=DEADLINES_S)
    def reserve(self, deadline_s: float) -> Any:
        if not self.can_reserve():
            self.check_refused(self.queue.reserve(deadline_s).__enter__)
            return multiple()
        block = ExitStack()
        self.reserved += 1
        return Place(block, block.enter_context(self.queue.reserve(deadline_s)), self.clock.now + deadline_s)

    @rule(place=consumes(places), kind=KINDS)
    def fill(self, place: Place, kind: str) -> None:
        self.reserved -= 1
        with place.block:
            if self.state is WorkerState.READY:
                self.put(place.submit, kind, place.deadline)
            else:
                self.check_refused(lambda: place.submit(query(0)))

    @rule(place=consumes(places))
    def give_back(self, place: Place) -> None:
        self.reserved -= 1
        place.block.close()

    @rule(kind=KINDS)
    def call(self, kind: str) -> None:
        def function() -> None:
            if kind != GOOD:
                raise ERRORS[kind]

        if self.state is not WorkerState.READY:
            self.check_refused(lambda: self.queue.call(function))
        else:
            self.tasks.append(self.note(Asked(kind, math.inf, self.queue.call(function))))

    @precondition(lambda self: self.everything)
    @rule(back=st.integers(1, 2), somebody_comes=st.booleans(), runs=st.booleans())
    def abandon(self, back: int, *, somebody_comes: bool, runs: bool) -> None:
        """Leave one of the latest, which most often still waits; perhaps look for room, and let the worker run."""
        asked = self.everything[-min(back, len(self.everything))]
        if asked.ticket is None:
            asked.future.cancel()
        else:
            asked.ticket.abandon()
        if asked.outcome == "open":
            asked.outcome = "gone"
        if somebody_comes and self.find_room():
            self.queue.check_room()
        elif somebody_comes:
            self.check_refused(self.queue.check_room)
        if runs:
            self.run()

    @rule(seconds=st.sampled_from([0.25, 0.5, 2.0, 6.0, 12.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(fits=st.sampled_from([1, BATCH]))
    def change_memory(self, fits: int) -> None:
        """Set how many pictures fit the device's memory from now on."""
        self.engine.fits = fits

    @precondition(lambda self: len(self.everything) > LEAST_LIFE)
    @rule(how=st.sampled_from(["stop", "break with a batch", "break with a task"]))
    def end(self, how: str) -> None:
        """End the worker; later than the other rules, because little happens afterwards."""
        if how == "stop":
            self.stop()
        elif how == "break with a task":
            self.call(FATAL)
        for each in self.waiting if how == "break with a batch" else []:
            each.kind = FATAL
            self.engine.fatal |= {self.everything.index(each)}

    def stop(self) -> None:
        self.worker.stop(0)
        if self.state is WorkerState.READY:
            self.state = WorkerState.STOPPING

    @rule()
    def take_step(self) -> None:
        self.step()

    def step(self) -> float:
        if self.state not in (WorkerState.READY, WorkerState.STOPPING):
            return math.inf  # the thread has ended
        expected = self.expect_step()
        assert self.worker.step() == expected
        return expected

    @rule()
    def run(self) -> None:
        """Run like the thread: step by step until there is nothing to do."""
        while self.step() == 0:
            pass

    def expect_step(self) -> float:
        """Expect the worker's next step and its answers."""
        now, is_stopping = self.clock.now, self.state is WorkerState.STOPPING
        self.tasks = [task for task in self.tasks if task.outcome == "open"]
        if self.tasks:
            self.settle([self.tasks.pop(0)])
            return 0
        if not self.waiting:
            return self.expect_idleness(now, is_stopping=is_stopping)
        first, self.waiting = self.waiting[: self.limit], self.waiting[self.limit :]
        if batch := [each for each in first if not self.drop(each)]:
            self.idle_since = None
            if len(batch) > self.engine.fits and all(each.kind != FATAL for each in batch):
                self.limit = 1
            self.settle(batch)
        return 0

    def expect_idleness(self, now: float, *, is_stopping: bool) -> float:
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
        """Expect an outcome for all that the device takes; a fatal one ends all."""
        is_fatal = any(each.kind == FATAL for each in done)
        for each in done:
            each.outcome = "died" if is_fatal and each.ticket is not None else each.kind
        if is_fatal:
            self.state = WorkerState.FAILED
            for each in self.waiting + self.tasks:
                each.outcome = "died" if each.outcome == "open" else each.outcome
            self.waiting, self.tasks = [], []

    def drop(self, each: Asked) -> bool:
        """Return whether nobody waits for a query any more; then count it."""
        is_late = self.clock.now > each.deadline
        if is_late and each.outcome == "open":
            each.outcome = "late"
        if each.outcome == "open":
            return False
        self.dropped.append("deadline" if is_late else "client_gone")
        return True

    def can_reserve(self, count: int = 1) -> bool:
        return self.state is WorkerState.READY and self.find_room(count)

    def find_room(self, count: int = 1) -> bool:
        if len(self.waiting) + self.reserved + count > self.size and self.clock.now > self.swept_at:
            self.waiting, self.swept_at = [each for each in self.waiting if not self.drop(each)], self.clock.now
        return len(self.waiting) + self.reserved + count <= self.size

    def check_refused(self, ask: Callable[[], object]) -> None:
        with pytest.raises((Overloaded, NotReady)) as refusal:
            ask()
        assert refusal.type is Overloaded or self.state is not WorkerState.READY

    def put(self, submit: Callable[..., list[Ticket]], kind: str, deadline: float, count: int = 1) -> None:
        numbers = range(len(self.everything), len(self.everything) + count)
        if kind == BAD:
            self.engine.cannot_encode |= set(numbers)
        for ticket in submit(*map(query, numbers)):
            self.waiting.append(self.note(Asked(kind, deadline, ticket.future, ticket)))

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
        """Check that after any history a stopped worker ends soon, and nobody waits for ever."""
        self.stop()
        self.run()
        assert self.worker.state in (WorkerState.STOPPED, WorkerState.FAILED)
        self.is_as_the_model_says()
        assert all(each.future.done() for each in self.everything)


TestDeviceQueue = DeviceQueueMachine.TestCase
TestDeviceQueue.settings = settings(max_examples=examples(few=80, many=3000), stateful_step_count=30)
counted(TestDeviceQueue)
