"""Queries are encoded together; the threads are real."""

import threading
from concurrent.futures import wait

import pytest

from service.device_queue.worker import WorkerState
from service.errors import Overloaded
from tests.service.device_queue.doubler import WAIT_S, Doubler, Observed, StartDevice, answer_of, make_device


def test_an_idle_worker_answers_at_once_and_alone(start_device: StartDevice, observed: Observed) -> None:
    engine = Doubler()
    engine.gate.set()
    device = start_device(engine)
    for item in range(3):
        ticket = device.submit(item)
        assert answer_of(ticket) == 2 * item
    assert observed.sizes == [1, 1, 1]


def test_what_waits_is_encoded_together_in_order_and_in_one_thread(
    start_device: StartDevice, observed: Observed
) -> None:
    engine = Doubler()
    device = start_device(engine, max_batch_size=3)
    tickets = [device.occupy(), *(device.submit(item) for item in range(1, 6))]
    assert device.queue.depth == 5
    engine.gate.set()
    assert [answer_of(ticket) for ticket in tickets] == [0, 2, 4, 6, 8, 10]
    assert engine.batches == [[0], [1, 2, 3], [4, 5]]
    assert observed.sizes == [1, 3, 2]
    assert len(engine.threads) == 1
    assert threading.current_thread().name not in engine.threads


def test_an_item_that_cannot_be_encoded_fails_alone(start_device: StartDevice) -> None:
    engine = Doubler(cannot_encode=frozenset({2}))
    device = start_device(engine)
    tickets = [device.occupy(), *(device.submit(item) for item in (1, 2, 3))]
    engine.gate.set()
    wait([ticket.future for ticket in tickets], WAIT_S)
    assert [answer_of(tickets[item]) for item in (0, 1, 3)] == [0, 2, 6]
    with pytest.raises(ValueError, match=r"cannot encode \[2\]"):
        tickets[2].future.result()
    assert engine.batches == [[0], [1, 2, 3], [1], [2], [3]]
    assert answer_of(device.submit(7)) == 14


def test_an_item_that_cannot_be_answered_fails_alone(start_device: StartDevice) -> None:
    engine = Doubler(cannot_answer=frozenset({1}))
    device = start_device(engine)
    tickets = [device.occupy(), *(device.submit(item) for item in (1, 2))]
    engine.gate.set()
    assert answer_of(tickets[2]) == 4
    with pytest.raises(ValueError, match="cannot answer 1"):
        tickets[1].future.result(WAIT_S)


def test_a_batch_that_does_not_fit_is_halved_and_later_ones_are_smaller(
    start_device: StartDevice, observed: Observed
) -> None:
    engine = Doubler(fits=2)
    device = start_device(engine, queue_size=20, max_batch_size=8)
    tickets = [device.occupy(), *(device.submit(item) for item in range(1, 13))]
    engine.gate.set()
    assert [answer_of(ticket) for ticket in tickets] == [2 * item for item in range(13)]
    assert engine.batches == [[0], [*range(1, 9)], [1, 2, 3, 4], [1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [11, 12]]
    assert device.worker.batch_limit == 2
    assert engine.freed == len(observed.too_large) == 2
    for item in range(220):  # alone: they say nothing about batches of two
        assert answer_of(device.submit(item)) == 2 * item
    assert device.worker.batch_limit == 2


def test_a_smaller_limit_grows_again_with_what_fits(observed: Observed) -> None:
    engine = Doubler(fits=3)
    engine.gate.set()
    device = make_device(engine, observed, max_batch_size=8)
    worker = device.worker
    worker.step()

    def run(size: int) -> None:
        for number in range(size):
            device.submit(number)
        assert worker.step() == 0

    run(8)
    assert worker.batch_limit == 2
    for _ in range(100):
        run(worker.batch_limit)
    assert worker.batch_limit == 3


def test_a_picture_that_does_not_fit_alone_is_refused(start_device: StartDevice) -> None:
    engine = Doubler(fits=0)
    engine.gate.set()
    device = start_device(engine)
    with pytest.raises(Overloaded, match="no memory"):
        device.submit(1).future.result(WAIT_S)
    assert device.worker.state is WorkerState.READY


def test_many_clients_each_get_their_own_answer(start_device: StartDevice, observed: Observed) -> None:
    engine = Doubler(cannot_encode=frozenset(range(0, 400, 37)))
    engine.gate.set()
    device = start_device(engine, queue_size=400, max_batch_size=8)
    wrong: list[int] = []

    def ask(first: int) -> None:
        for item in range(first, first + 50):
            future = device.submit(item).future
            if item in engine.cannot_encode:
                is_right = isinstance(future.exception(WAIT_S), ValueError)
            else:
                is_right = future.result(WAIT_S).gathered_bytes == 2 * item
            if not is_right:
                wrong.append(item)

    clients = [threading.Thread(target=ask, args=(first,)) for first in range(0, 400, 50)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(WAIT_S)
    assert wrong == []
    assert sum(observed.sizes) == 400
