"""The worker thread, with processors that are slow, fail, or kill it; the threads are real."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, wait
from dataclasses import dataclass, field

import pytest

from model.errors import DeviceStuck, NotReady, Overloaded
from service.batch_options import Batching
from service.batch_runner import BatchRunner
from service.batching import DeviceWorker
from service.heartbeat import Heartbeat
from service.tickets import Ticket
from service.worker_state import WorkerState

WAIT_S = 20


class BrokenDevice(Exception):
    """As an accelerator raises it."""


@dataclass
class Doubler:
    """Answers twice the number that it is asked; its gate holds it back, and some numbers make it fail."""

    fatal_errors: tuple[type[BaseException], ...] = (BrokenDevice,)
    memory_errors: tuple[type[BaseException], ...] = (MemoryError,)
    fits: int = 1000
    freed: int = 0
    probes: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    encoding: threading.Event = field(default_factory=threading.Event)
    batches: list[list[int]] = field(default_factory=list)
    cannot_encode: frozenset[int] = frozenset()
    cannot_answer: frozenset[int] = frozenset()
    fatal: frozenset[int] = frozenset()
    item_s: float = 0.0
    threads: set[str] = field(default_factory=set)

    def expected_s(self, item: int) -> float:
        return item * self.item_s

    def encode(self, items: Sequence[int]) -> Sequence[int]:
        self.threads.add(threading.current_thread().name)
        self.batches.append(list(items))
        self.encoding.set()
        assert self.gate.wait(WAIT_S)
        if self.fatal.intersection(items):
            raise BrokenDevice("an illegal memory access")
        if len(items) > self.fits:
            raise MemoryError(f"{len(items)} do not fit")
        if self.cannot_encode.intersection(items):
            raise ValueError(f"cannot encode {items}")
        return [2 * item for item in items]

    def answer(self, item: int, encoded: int, is_wanted: Callable[[], bool]) -> int:
        self.threads.add(threading.current_thread().name)
        if item in self.cannot_answer:
            raise ValueError(f"cannot answer {item}")
        assert is_wanted()
        return encoded

    def probe(self) -> None:
        self.probes += 1

    def free_memory(self) -> None:
        self.freed += 1


@dataclass
class Observed:
    sizes: list[int] = field(default_factory=list)
    too_large: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    states: list[WorkerState] = field(default_factory=list)

    def batch_taken(self, size: int) -> None:
        self.sizes.append(size)

    def entry_dropped(self, reason: str) -> None:
        self.reasons.append(reason)

    def batch_too_large(self, size: int) -> None:
        self.too_large.append(size)


Worker = DeviceWorker[int, int, int]
StartWorker = Callable[..., Worker]


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
def start_worker(observed: Observed) -> Iterator[StartWorker]:
    started: list[tuple[Worker, Doubler]] = []

    def start(
        processor: Doubler,
        *,
        queue_size: int = 8,
        max_batch_size: int = 4,
        delay_s: float = 0,
        stuck_after_s: float = WAIT_S,
        probe_interval_s: float = 0,
    ) -> Worker:
        batching = Batching(queue_size, max_batch_size, delay_s, stuck_after_s, probe_interval_s)
        worker: Worker = DeviceWorker(lambda: processor, batching, observer=observed, on_state=observed.states.append)
        worker.start()
        wait_for_state(worker, WorkerState.READY)
        started.append((worker, processor))
        return worker

    yield start
    for worker, processor in started:
        processor.gate.set()
        if not isinstance(worker.failure, DeviceStuck):
            assert worker.stop(WAIT_S)


def wait_for_state(worker: Worker, state: WorkerState) -> None:
    end = time.monotonic() + WAIT_S
    while worker.state is not state:
        assert time.monotonic() < end, f"still {worker.state}"
        time.sleep(0.001)


def wait_until(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.001)


def occupy(worker: Worker, processor: Doubler, item: int = 0) -> Ticket[int, int]:
    """Has the worker encode one item until the gate opens, so that what follows has to wait."""
    ticket = worker.submit(item)
    assert processor.encoding.wait(WAIT_S)
    return ticket


def test_an_idle_worker_answers_at_once_and_alone(start_worker: StartWorker, observed: Observed) -> None:
    processor = Doubler()
    processor.gate.set()
    worker = start_worker(processor)
    for item in range(3):
        answered = worker.submit(item).future.result(WAIT_S)
        assert answered.result == 2 * item
        assert answered.queue_s >= 0
    assert observed.sizes == [1, 1, 1]


def test_what_waits_is_encoded_together_in_order_and_in_one_thread(
    start_worker: StartWorker, observed: Observed
) -> None:
    processor = Doubler()
    worker = start_worker(processor, max_batch_size=3)
    tickets = [occupy(worker, processor), *(worker.submit(item) for item in range(1, 6))]
    assert worker.queue_depth == 5
    processor.gate.set()
    assert [ticket.future.result(WAIT_S).result for ticket in tickets] == [0, 2, 4, 6, 8, 10]
    assert processor.batches == [[0], [1, 2, 3], [4, 5]]
    assert observed.sizes == [1, 3, 2]
    assert len(processor.threads) == 1
    assert threading.current_thread().name not in processor.threads


def test_an_item_that_cannot_be_encoded_fails_alone(start_worker: StartWorker) -> None:
    processor = Doubler(cannot_encode=frozenset({2}))
    worker = start_worker(processor)
    tickets = [occupy(worker, processor), *(worker.submit(item) for item in (1, 2, 3))]
    processor.gate.set()
    wait([ticket.future for ticket in tickets], WAIT_S)
    assert [tickets[item].future.result().result for item in (0, 1, 3)] == [0, 2, 6]
    with pytest.raises(ValueError, match=r"cannot encode \[2\]"):
        tickets[2].future.result()
    assert processor.batches == [[0], [1, 2, 3], [1], [2], [3]]
    assert worker.submit(7).future.result(WAIT_S).result == 14


def test_an_item_that_cannot_be_answered_fails_alone(start_worker: StartWorker) -> None:
    processor = Doubler(cannot_answer=frozenset({1}))
    worker = start_worker(processor)
    tickets = [occupy(worker, processor), *(worker.submit(item) for item in (1, 2))]
    processor.gate.set()
    assert tickets[2].future.result(WAIT_S).result == 4
    with pytest.raises(ValueError, match="cannot answer 1"):
        tickets[1].future.result(WAIT_S)


def test_a_full_queue_refuses_and_takes_again_later(start_worker: StartWorker) -> None:
    processor = Doubler()
    worker = start_worker(processor, queue_size=2)
    tickets = [occupy(worker, processor), worker.submit(1), worker.submit(2)]
    with pytest.raises(Overloaded, match="2 pictures wait"):
        worker.submit(3)
    with pytest.raises(Overloaded):
        worker.check_room()
    processor.gate.set()
    wait([ticket.future for ticket in tickets], WAIT_S)
    worker.check_room()
    assert worker.submit(3).future.result(WAIT_S).result == 6


def test_what_cannot_be_answered_in_time_is_refused_at_once(start_worker: StartWorker) -> None:
    processor = Doubler(item_s=1)
    worker = start_worker(processor)
    now = time.monotonic()
    worker.check_wait(now + 1)  # nothing is ahead: whoever comes is taken
    first = occupy(worker, processor, 5)
    second = worker.submit(7, now + 15)
    with pytest.raises(Overloaded, match=r"take about 1[12] seconds"):
        worker.submit(1, now + 20)
    with pytest.raises(Overloaded):
        worker.check_wait(now + 20)
    patient = worker.submit(1, now + 60)
    second.abandon()
    processor.gate.set()
    assert [ticket.future.result(WAIT_S).result for ticket in (first, patient)] == [10, 2]
    worker.check_wait(time.monotonic() + 1)


def test_what_nobody_waits_for_does_not_fill_the_queue(start_worker: StartWorker, observed: Observed) -> None:
    processor = Doubler()
    worker = start_worker(processor, queue_size=3)
    occupy(worker, processor)
    worker.submit(1).abandon()
    late = worker.submit(2, deadline=time.monotonic() + 0.01)
    kept = worker.submit(3)
    time.sleep(0.02)
    more = [worker.submit(4), worker.submit(5)]
    assert (worker.queue_depth, sorted(observed.reasons)) == (3, ["client_gone", "deadline"])
    with pytest.raises(Overloaded, match="behind others"):
        late.future.result(0)
    with pytest.raises(Overloaded):
        worker.submit(6)
    processor.gate.set()
    assert [ticket.future.result(WAIT_S).result for ticket in (kept, *more)] == [6, 8, 10]


def test_a_worker_that_makes_no_progress_is_given_up_with_all_that_wait(
    start_worker: StartWorker, observed: Observed
) -> None:
    processor = Doubler()
    worker = start_worker(processor, stuck_after_s=0.1)
    tickets = [occupy(worker, processor), worker.submit(1)]
    worker.check_ready()
    for ticket in tickets:
        with pytest.raises(NotReady, match="must be restarted"):
            ticket.future.result(WAIT_S)
    assert not worker.is_ready
    with pytest.raises(NotReady):
        worker.submit(2)
    assert isinstance(worker.failure, DeviceStuck)
    assert "no progress for 0.1 seconds" in worker.failure.message
    began = time.monotonic()
    assert not worker.stop(WAIT_S)  # it hangs still, and is not waited for
    assert time.monotonic() - began < WAIT_S / 2
    processor.gate.set()  # it comes back after all: too late
    assert observed.states == [WorkerState.READY, WorkerState.FAILED]


def test_a_worker_that_asks_whether_it_is_wanted_makes_progress(start_worker: StartWorker) -> None:
    class Thorough(Doubler):
        def answer(self, item: int, encoded: int, is_wanted: Callable[[], bool]) -> int:
            for _ in range(20):
                time.sleep(0.05)
                assert is_wanted()
            return super().answer(item, encoded, is_wanted)

    processor = Thorough()
    processor.gate.set()
    worker = start_worker(processor, stuck_after_s=0.5)
    assert worker.submit(3).future.result(WAIT_S).result == 6
    assert worker.is_ready


def test_an_idle_worker_tries_its_device_from_time_to_time(start_worker: StartWorker) -> None:
    processor = Doubler()
    worker = start_worker(processor, probe_interval_s=0.01)
    wait_until(lambda: processor.probes >= 3)
    processor.gate.set()
    assert worker.submit(1).future.result(WAIT_S).result == 2
    assert worker.since_forward_s < WAIT_S


def test_a_device_that_fails_its_trial_ends_the_worker(start_worker: StartWorker, observed: Observed) -> None:
    class FailsWhileIdle(Doubler):
        def probe(self) -> None:
            raise ValueError("not a number")

    worker = start_worker(FailsWhileIdle(), probe_interval_s=0.01)
    wait_until(lambda: observed.states[-1] is WorkerState.FAILED)
    assert isinstance(worker.failure, ValueError)


def test_a_batch_that_does_not_fit_is_halved_and_later_ones_are_smaller(
    start_worker: StartWorker, observed: Observed
) -> None:
    processor = Doubler(fits=2)
    worker = start_worker(processor, queue_size=20, max_batch_size=8)
    tickets = [occupy(worker, processor), *(worker.submit(item) for item in range(1, 13))]
    processor.gate.set()
    assert [ticket.future.result(WAIT_S).result for ticket in tickets] == [2 * item for item in range(13)]
    assert processor.batches == [[0], [*range(1, 9)], [1, 2, 3, 4], [1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [11, 12]]
    assert worker.batch_limit == 2
    assert processor.freed == len(observed.too_large) == 2
    for item in range(220):  # alone: they say nothing about batches of two
        assert worker.submit(item).future.result(WAIT_S).result == 2 * item
    assert worker.batch_limit == 2


def test_a_smaller_limit_grows_again_with_what_fits(observed: Observed) -> None:
    processor = Doubler(fits=3)
    processor.gate.set()
    runner: BatchRunner[int, int, int] = BatchRunner(processor, Heartbeat(WAIT_S), observed, 8)
    runner.run([Ticket(item, None) for item in range(8)])
    assert runner.limit == 2
    for _ in range(100):
        runner.run([Ticket(item, None) for item in range(runner.limit)])
    assert runner.limit == 3


def test_a_picture_that_does_not_fit_alone_is_refused(start_worker: StartWorker) -> None:
    processor = Doubler(fits=0)
    processor.gate.set()
    worker = start_worker(processor)
    with pytest.raises(Overloaded, match="no memory"):
        worker.submit(1).future.result(WAIT_S)
    assert worker.is_ready


def test_a_busy_worker_waits_for_a_full_batch_and_an_idle_one_does_not(start_worker: StartWorker) -> None:
    processor = Doubler()
    worker = start_worker(processor, max_batch_size=3, delay_s=WAIT_S)
    tickets = [occupy(worker, processor), worker.submit(1)]  # the first one went without waiting
    processor.gate.set()
    assert tickets[0].future.result(WAIT_S).result == 0
    time.sleep(0.05)
    assert processor.batches == [[0]]
    tickets += [worker.submit(2), worker.submit(3)]  # full: the delay is over
    assert [ticket.future.result(WAIT_S / 2).result for ticket in tickets] == [0, 2, 4, 6]
    assert processor.batches == [[0], [1, 2, 3]]


def test_a_delay_ends_when_the_worker_stops(start_worker: StartWorker) -> None:
    processor = Doubler()
    worker = start_worker(processor, delay_s=WAIT_S)
    tickets = [occupy(worker, processor), worker.submit(1)]
    processor.gate.set()
    assert tickets[0].future.result(WAIT_S).result == 0
    assert worker.stop(WAIT_S / 2)
    assert tickets[1].future.result(0).result == 2


def test_a_reserved_place_counts_and_is_given_back_unless_it_is_filled(start_worker: StartWorker) -> None:
    processor = Doubler()
    worker = start_worker(processor, queue_size=2)
    first = occupy(worker, processor)
    with worker.reserve() as one, worker.reserve():
        assert worker.queue_depth == 0
        with pytest.raises(Overloaded, match="2 pictures wait"):
            worker.reserve()
        second = one.submit(1)
    assert worker.queue_depth == 1
    worker.check_room()
    with pytest.raises(ValueError, match="cannot be decoded"), worker.reserve():
        raise ValueError("it cannot be decoded")
    third = worker.submit(2)
    processor.gate.set()
    assert [ticket.future.result(WAIT_S).result for ticket in (first, second, third)] == [0, 2, 4]


def test_what_nobody_waits_for_never_reaches_the_device(start_worker: StartWorker, observed: Observed) -> None:
    processor = Doubler()
    worker = start_worker(processor)
    occupy(worker, processor)
    gone = worker.submit(1)
    late = worker.submit(2, deadline=time.monotonic() - 1)
    kept = worker.submit(3, deadline=time.monotonic() + WAIT_S)
    gone.abandon()
    processor.gate.set()
    assert kept.future.result(WAIT_S).result == 6
    assert processor.batches == [[0], [3]]
    assert sorted(observed.reasons) == ["client_gone", "deadline"]
    with pytest.raises(CancelledError):
        gone.future.result(WAIT_S)
    with pytest.raises(Overloaded, match="behind others"):
        late.future.result(WAIT_S)


def test_an_abandoned_ticket_that_is_being_answered_is_not_wanted_any_more(start_worker: StartWorker) -> None:
    processor = Doubler()
    worker = start_worker(processor)
    ticket = occupy(worker, processor)
    assert ticket.is_wanted()
    ticket.abandon()
    assert not ticket.is_wanted()
    processor.gate.set()
    with pytest.raises(AssertionError):  # the processor asked, and was told
        ticket.future.result(WAIT_S)


def test_a_fatal_error_fails_everybody_and_the_worker_is_dead(start_worker: StartWorker, observed: Observed) -> None:
    processor = Doubler(fatal=frozenset({0}))
    worker = start_worker(processor)
    tickets = [occupy(worker, processor), *(worker.submit(item) for item in (1, 2, 3))]
    processor.gate.set()
    for ticket in tickets:
        with pytest.raises(NotReady, match="worker has died"):
            ticket.future.result(WAIT_S)
    wait_for_state(worker, WorkerState.FAILED)
    assert isinstance(worker.failure, BrokenDevice)
    assert observed.states == [WorkerState.READY, WorkerState.FAILED]
    assert worker.queue_depth == 0
    with pytest.raises(NotReady):
        worker.submit(4)


def test_answers_given_before_the_death_stay(start_worker: StartWorker) -> None:
    class DiesAtTheSecond(Doubler):
        def answer(self, item: int, encoded: int, is_wanted: Callable[[], bool]) -> int:
            if item == 2:
                raise SystemExit
            return super().answer(item, encoded, is_wanted)

    processor = DiesAtTheSecond()
    worker = start_worker(processor)
    tickets = [occupy(worker, processor), *(worker.submit(item) for item in (1, 2, 3))]
    processor.gate.set()
    assert tickets[1].future.result(WAIT_S).result == 2
    for ticket in tickets[2:]:
        with pytest.raises(NotReady):
            ticket.future.result(WAIT_S)


def test_stopping_answers_what_waits_and_takes_nothing_new(start_worker: StartWorker, observed: Observed) -> None:
    processor = Doubler()
    worker = start_worker(processor)
    tickets = [occupy(worker, processor), worker.submit(1), worker.submit(2)]
    assert not worker.stop(timeout_s=0.01)
    with pytest.raises(NotReady, match="stopping"):
        worker.submit(3)
    processor.gate.set()
    assert worker.stop(WAIT_S)
    assert [ticket.future.result(0).result for ticket in tickets] == [0, 2, 4]
    assert observed.states == [WorkerState.READY, WorkerState.STOPPING, WorkerState.STOPPED]
    with pytest.raises(NotReady, match="has stopped"):
        worker.submit(3)


def test_while_loading_nothing_is_taken_and_a_failure_is_kept(observed: Observed) -> None:
    may_fail = threading.Event()

    def load() -> Doubler:
        assert may_fail.wait(WAIT_S)
        raise FileNotFoundError("no such map")

    worker: Worker = DeviceWorker(
        load, Batching(1, 1, 0, WAIT_S, 0), observer=observed, on_state=observed.states.append
    )
    worker.start()
    with pytest.raises(NotReady, match="still loading"):
        worker.submit(1)
    may_fail.set()
    wait_for_state(worker, WorkerState.FAILED)
    assert isinstance(worker.failure, FileNotFoundError)
    assert worker.stop(WAIT_S)


def test_a_worker_that_is_stopped_while_loading_never_becomes_ready(observed: Observed) -> None:
    may_load = threading.Event()

    def load() -> Doubler:
        assert may_load.wait(WAIT_S)
        return Doubler()

    worker: Worker = DeviceWorker(
        load, Batching(1, 1, 0, WAIT_S, 0), observer=observed, on_state=observed.states.append
    )
    worker.start()
    assert not worker.stop(0.01)
    may_load.set()
    assert worker.stop(WAIT_S)
    assert observed.states == [WorkerState.STOPPING, WorkerState.STOPPED]


def test_many_clients_each_get_their_own_answer(start_worker: StartWorker, observed: Observed) -> None:
    processor = Doubler(cannot_encode=frozenset(range(0, 400, 37)))
    processor.gate.set()
    worker = start_worker(processor, queue_size=400, max_batch_size=8)
    wrong: list[int] = []

    def ask(first: int) -> None:
        for item in range(first, first + 50):
            future = worker.submit(item).future
            if item in processor.cannot_encode:
                is_right = isinstance(future.exception(WAIT_S), ValueError)
            else:
                is_right = future.result(WAIT_S).result == 2 * item
            if not is_right:
                wrong.append(item)

    clients = [threading.Thread(target=ask, args=(first,)) for first in range(0, 400, 50)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(WAIT_S)
    assert wrong == []
    assert sum(observed.sizes) == 400
