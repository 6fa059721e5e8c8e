"""How a worker lives and ends: loading, stopping, stuck, dead; the threads are real."""

import threading
import time
from collections.abc import Callable

import pytest

from service.batch_options import Batching
from service.batching import DeviceWorker
from service.errors import DeviceStuck, NotReady
from service.worker_state import WorkerState
from tests.service.batching.doubler import (
    WAIT_S,
    BrokenDevice,
    Doubler,
    Observed,
    StartWorker,
    Worker,
    occupy,
    wait_for_state,
)
from tests.waiting import wait_until


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


def test_a_delay_ends_when_the_worker_stops(start_worker: StartWorker) -> None:
    processor = Doubler()
    worker = start_worker(processor, delay_s=WAIT_S)
    tickets = [occupy(worker, processor), worker.submit(1)]
    processor.gate.set()
    assert tickets[0].future.result(WAIT_S).result == 0
    assert worker.stop(WAIT_S / 2)
    assert tickets[1].future.result(0).result == 2


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
