"""What the device's thread does between two batches: in its turn, on that thread, and never unseen."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.batch_options import Batching
from service.batching import DeviceWorker
from service.errors import NotReady
from service.worker_state import WorkerState
from tests.service.batching.doubler import WAIT_S, BrokenDevice, Doubler, Observed


@contextmanager
def working(processor: Doubler, observed: Observed) -> Iterator[DeviceWorker[int, int, int]]:
    worker: DeviceWorker[int, int, int] = DeviceWorker(
        lambda: processor,
        Batching(10, 2, 0, WAIT_S, 0),
        observer=observed,
        on_state=observed.states.append,
    )
    worker.start()
    while worker.state is WorkerState.LOADING:
        threading.Event().wait(0.001)
    yield worker
    processor.gate.set()
    assert worker.stop(WAIT_S)


def fail(error: BaseException) -> None:
    raise error


def test_an_errand_is_done_on_the_devices_thread_before_the_next_batch() -> None:
    processor, observed = Doubler(), Observed()
    with working(processor, observed) as worker:
        first = worker.submit(1)
        assert processor.encoding.wait(WAIT_S)
        later = [worker.submit(2), worker.submit(3)]
        errand = worker.call(lambda: (threading.current_thread().name, list(processor.batches)))
        assert not errand.done()
        processor.gate.set()
        name, batches = errand.result(WAIT_S)
        assert [ticket.future.result(WAIT_S).result for ticket in (first, *later)] == [2, 4, 6]
    assert {name} == processor.threads
    assert batches == [[1]]
    assert observed.sizes == [1, 2]


def test_what_goes_wrong_with_an_errand_stays_with_it() -> None:
    processor, observed = Doubler(), Observed()
    processor.gate.set()
    with working(processor, observed) as worker:
        with pytest.raises(ValueError, match="no such thing"):
            worker.call(lambda: fail(ValueError("no such thing"))).result(WAIT_S)
        assert worker.submit(4).future.result(WAIT_S).result == 8
        cancelled = worker.call(lambda: None)
        cancelled.cancel()
        assert worker.is_ready


def test_an_errand_that_breaks_the_device_ends_the_worker_and_all_that_wait() -> None:
    processor, observed = Doubler(), Observed()
    with working(processor, observed) as worker:
        first = worker.submit(1)
        assert processor.encoding.wait(WAIT_S)
        fatal = worker.call(lambda: fail(BrokenDevice("gone")))
        following = worker.call(lambda: None)
        waiting = worker.submit(2)
        processor.gate.set()
        assert first.future.result(WAIT_S).result == 2
        for future, kind in ((fatal, BrokenDevice), (following, NotReady), (waiting.future, NotReady)):
            assert isinstance(future.exception(WAIT_S), kind)
        with pytest.raises(NotReady, match="has died"):
            worker.call(lambda: None)
    assert isinstance(worker.failure, BrokenDevice)


def test_a_worker_that_stops_does_its_errands_and_takes_no_more() -> None:
    processor, observed = Doubler(), Observed()
    with working(processor, observed) as worker:
        worker.submit(1)
        assert processor.encoding.wait(WAIT_S)
        errand = worker.call(lambda: "done")
        assert not worker.stop(0.01)
        with pytest.raises(NotReady, match="is stopping"):
            worker.call(lambda: None)
    assert errand.result(0) == "done"
    with pytest.raises(NotReady, match="has stopped"):
        worker.call(lambda: None)
