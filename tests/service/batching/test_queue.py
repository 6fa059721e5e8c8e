"""Who may wait, and whom nobody waits for any more; the threads are real."""

import time
from concurrent.futures import CancelledError, wait

import pytest

from service.errors import Overloaded
from tests.service.batching.doubler import WAIT_S, Doubler, Observed, StartWorker, occupy


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
