"""How a worker lives and ends: loading, stopping, stuck, dead; the threads are real."""

import threading
import time
from collections.abc import Callable

import pytest

from service.device_queue.worker import WorkerState
from service.encoded_query import EncodedQuery
from service.engine import Query
from service.errors import DeviceStuck, NotReady
from service.localization import Localization
from tests.service.device_queue.doubler import WAIT_S, BrokenDevice, Doubler, Observed, StartDevice, answer_of
from tests.waiting import wait_until


def test_a_worker_that_makes_no_progress_is_given_up_with_all_that_wait(
    start_device: StartDevice, observed: Observed
) -> None:
    engine = Doubler()
    device = start_device(engine, stuck_after_s=0.1)
    tickets = [device.occupy(), device.submit(1)]
    device.queue.check_open()
    for ticket in tickets:
        with pytest.raises(NotReady, match="must be restarted"):
            ticket.future.result(WAIT_S)
    assert device.worker.state is not WorkerState.READY
    with pytest.raises(NotReady):
        device.submit(2)
    assert isinstance(device.worker.failure, DeviceStuck)
    assert "no progress for 0.1 seconds" in device.worker.failure.message
    began = time.monotonic()
    assert not device.worker.stop(WAIT_S)  # it hangs still, and is not waited for
    assert time.monotonic() - began < WAIT_S / 2
    engine.gate.set()  # it comes back after all: too late
    assert observed.states == [WorkerState.READY, WorkerState.FAILED]


def test_a_worker_that_asks_whether_it_is_wanted_makes_progress(start_device: StartDevice) -> None:
    class Thorough(Doubler):
        def answer(self, item: Query, encoded: EncodedQuery, is_wanted: Callable[[], bool]) -> Localization:
            for _ in range(20):
                time.sleep(0.05)
                assert is_wanted()
            return super().answer(item, encoded, is_wanted)

    engine = Thorough()
    engine.gate.set()
    device = start_device(engine, stuck_after_s=0.5)
    assert answer_of(device.submit(3)) == 6
    assert device.worker.state is WorkerState.READY


def test_an_idle_worker_tries_its_device_from_time_to_time(start_device: StartDevice) -> None:
    engine = Doubler()
    device = start_device(engine, probe_interval_s=0.01)
    wait_until(lambda: engine.probes >= 3)
    engine.gate.set()
    assert answer_of(device.submit(1)) == 2
    assert time.monotonic() - device.worker.forward_at < WAIT_S


def test_a_device_that_fails_its_trial_ends_the_worker(start_device: StartDevice, observed: Observed) -> None:
    class FailsWhileIdle(Doubler):
        def probe(self) -> None:
            raise ValueError("not a number")

    device = start_device(FailsWhileIdle(), probe_interval_s=0.01)
    wait_until(lambda: observed.states[-1] is WorkerState.FAILED)
    assert isinstance(device.worker.failure, ValueError)


def test_a_fatal_error_fails_everybody_and_the_worker_is_dead(start_device: StartDevice, observed: Observed) -> None:
    engine = Doubler(fatal=frozenset({0}))
    device = start_device(engine)
    tickets = [device.occupy(), *(device.submit(item) for item in (1, 2, 3))]
    engine.gate.set()
    for ticket in tickets:
        with pytest.raises(NotReady, match="worker has died"):
            ticket.future.result(WAIT_S)
    device.wait_for(WorkerState.FAILED)
    assert isinstance(device.worker.failure, BrokenDevice)
    assert observed.states == [WorkerState.READY, WorkerState.FAILED]
    assert device.queue.depth == 0
    with pytest.raises(NotReady):
        device.submit(4)


def test_answers_given_before_the_death_stay(start_device: StartDevice) -> None:
    class DiesAtTheSecond(Doubler):
        def answer(self, item: Query, encoded: EncodedQuery, is_wanted: Callable[[], bool]) -> Localization:
            if int(item.image) == 2:
                raise SystemExit
            return super().answer(item, encoded, is_wanted)

    engine = DiesAtTheSecond()
    device = start_device(engine)
    tickets = [device.occupy(), *(device.submit(item) for item in (1, 2, 3))]
    engine.gate.set()
    assert answer_of(tickets[1]) == 2
    for ticket in tickets[2:]:
        with pytest.raises(NotReady):
            ticket.future.result(WAIT_S)


def test_stopping_answers_what_waits_and_takes_nothing_new(start_device: StartDevice, observed: Observed) -> None:
    engine = Doubler()
    device = start_device(engine)
    tickets = [device.occupy(), device.submit(1), device.submit(2)]
    assert not device.worker.stop(timeout_s=0.01)
    with pytest.raises(NotReady, match="stopping"):
        device.submit(3)
    engine.gate.set()
    assert device.worker.stop(WAIT_S)
    assert [answer_of(ticket, 0) for ticket in tickets] == [0, 2, 4]
    assert observed.states == [WorkerState.READY, WorkerState.STOPPING, WorkerState.STOPPED]
    with pytest.raises(NotReady, match="has stopped"):
        device.submit(3)


def test_while_loading_nothing_is_taken_and_a_failure_is_kept(start_device: StartDevice) -> None:
    may_fail = threading.Event()

    def load() -> Doubler:
        assert may_fail.wait(WAIT_S)
        raise FileNotFoundError("no such map")

    device = start_device(Doubler(), load)
    with pytest.raises(NotReady, match="still loading"):
        device.submit(1)
    may_fail.set()
    device.wait_for(WorkerState.FAILED)
    assert isinstance(device.worker.failure, FileNotFoundError)
    assert device.worker.stop(WAIT_S)


def test_a_worker_that_is_stopped_while_loading_never_becomes_ready(
    start_device: StartDevice, observed: Observed
) -> None:
    may_load = threading.Event()

    def load() -> Doubler:
        assert may_load.wait(WAIT_S)
        return Doubler()

    device = start_device(Doubler(), load)
    assert not device.worker.stop(0.01)
    may_load.set()
    assert device.worker.stop(WAIT_S)
    assert observed.states == [WorkerState.STOPPING, WorkerState.STOPPED]
