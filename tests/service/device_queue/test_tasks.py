"""The device's thread runs tasks between two batches: in their turn, on that thread, and never unseen."""

import threading

import pytest

from service.device_queue.worker import WorkerState
from service.errors import DeviceStuck, NotReady
from tests.service.device_queue.doubler import WAIT_S, BrokenDevice, Doubler, Observed, StartDevice, answer_of


def fail(error: BaseException) -> None:
    raise error


def test_a_task_is_done_on_the_devices_thread_before_the_next_batch(
    start_device: StartDevice, observed: Observed
) -> None:
    engine = Doubler()
    device = start_device(engine)
    first = device.submit(1)
    assert engine.has_begun.wait(WAIT_S)
    later = [device.submit(2), device.submit(3)]
    task = device.queue.call(lambda: (threading.current_thread().name, list(engine.batches)))
    assert not task.done()
    engine.gate.set()
    name, batches = task.result(WAIT_S)
    assert [answer_of(ticket) for ticket in (first, *later)] == [2, 4, 6]
    assert {name} == engine.threads
    assert batches == [[1]]
    assert observed.sizes == [1, 2]


def test_what_goes_wrong_with_a_task_stays_with_it(start_device: StartDevice) -> None:
    engine = Doubler()
    engine.gate.set()
    device = start_device(engine)
    with pytest.raises(ValueError, match="no such thing"):
        device.queue.call(lambda: fail(ValueError("no such thing"))).result(WAIT_S)
    assert answer_of(device.submit(4)) == 8
    cancelled = device.queue.call(lambda: None)
    cancelled.cancel()
    assert device.worker.state is WorkerState.READY


def test_a_task_that_breaks_the_device_ends_the_worker_and_all_that_wait(start_device: StartDevice) -> None:
    engine = Doubler()
    device = start_device(engine)
    first = device.submit(1)
    assert engine.has_begun.wait(WAIT_S)
    fatal = device.queue.call(lambda: fail(BrokenDevice("gone")))
    following = device.queue.call(lambda: None)
    waiting = device.submit(2)
    engine.gate.set()
    assert answer_of(first) == 2
    for future, kind in ((fatal, BrokenDevice), (following, NotReady), (waiting.future, NotReady)):
        assert isinstance(future.exception(WAIT_S), kind)
    with pytest.raises(NotReady, match="has died"):
        device.queue.call(lambda: None)
    assert isinstance(device.worker.failure, BrokenDevice)


def test_a_worker_that_stops_does_its_tasks_and_takes_no_more(start_device: StartDevice) -> None:
    engine = Doubler()
    device = start_device(engine)
    device.submit(1)
    assert engine.has_begun.wait(WAIT_S)
    task = device.queue.call(lambda: "done")
    assert not device.worker.stop(0.01)
    with pytest.raises(NotReady, match="is stopping"):
        device.queue.call(lambda: None)
    engine.gate.set()
    assert device.worker.stop(WAIT_S)
    assert task.result(0) == "done"
    with pytest.raises(NotReady, match="has stopped"):
        device.queue.call(lambda: None)


def test_a_task_that_hangs_ends_the_worker(start_device: StartDevice) -> None:
    device = start_device(Doubler(), stuck_after_s=0.1)
    has_come_back = threading.Event()
    try:
        task = device.queue.call(has_come_back.wait)
        waiting = device.submit(1)
        assert isinstance(waiting.future.exception(WAIT_S), NotReady)
        assert isinstance(device.worker.failure, DeviceStuck)
        assert isinstance(task.exception(WAIT_S), NotReady)
    finally:
        has_come_back.set()
