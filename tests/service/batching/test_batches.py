"""What is encoded together; the threads are real."""

import threading
import time
from concurrent.futures import wait

import pytest

from service.batch_runner import BatchRunner
from service.errors import Overloaded
from service.heartbeat import Heartbeat
from service.tickets import Ticket
from tests.service.batching.doubler import (
    WAIT_S,
    Doubler,
    Observed,
    StartWorker,
    occupy,
)


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
