"""Who may wait, and whom nobody waits for any more; the threads are real."""

import math
from concurrent.futures import CancelledError, wait

import pytest

from service.errors import Overloaded
from tests.clock import FakeClock
from tests.service.device_queue.doubler import WAIT_S, Device, Doubler, Observed, StartDevice, answer_of, query


def test_a_full_queue_refuses_and_takes_again_later(start_device: StartDevice) -> None:
    engine = Doubler()
    device = start_device(engine, queue_size=2)
    tickets = [device.occupy(), device.submit(1), device.submit(2)]
    with pytest.raises(Overloaded, match="2 pictures wait"):
        device.submit(3)
    with pytest.raises(Overloaded):
        device.queue.check_room()
    engine.gate.set()
    wait([ticket.future for ticket in tickets], WAIT_S)
    device.queue.check_room()
    assert answer_of(device.submit(3)) == 6


def test_what_cannot_be_answered_in_time_is_refused_at_once(start_device: StartDevice) -> None:
    engine, clock = Doubler(item_s=1), FakeClock()
    device = start_device(engine, clock=clock)
    admit(device, 1)  # nothing is ahead: any query is taken
    first = device.occupy(5)
    second = device.submit(7, 15)
    with pytest.raises(Overloaded, match="take about 12 seconds"):
        device.submit(1, 20)
    with pytest.raises(Overloaded):
        admit(device, 20)
    clock.now = 4  # within the five seconds of the first
    admit(device, 20)
    with pytest.raises(Overloaded, match="take about 8 seconds"):
        admit(device, 15)
    patient = device.submit(1, 60)
    second.abandon()
    engine.gate.set()
    assert [answer_of(ticket) for ticket in (first, patient)] == [10, 2]
    admit(device, 1)


def admit(device: Device, deadline_s: float) -> None:
    with device.queue.admit(deadline_s):
        assert device.queue.in_flight == 1


def test_no_more_queries_are_admitted_than_may_be_in_flight(start_device: StartDevice) -> None:
    queue = start_device(Doubler(), max_in_flight=2).queue
    with queue.admit(math.inf):
        with queue.admit(math.inf):
            for refuse in (queue.check_room, queue.admit(math.inf).__enter__):
                with pytest.raises(Overloaded, match="2 queries are being answered"):
                    refuse()
        queue.check_room()
    assert queue.in_flight == 0


def test_what_nobody_waits_for_does_not_fill_the_queue(start_device: StartDevice, observed: Observed) -> None:
    engine, clock = Doubler(), FakeClock()
    device = start_device(engine, clock=clock, queue_size=3)
    device.occupy()
    device.submit(1).abandon()
    late = device.submit(2, 10)
    kept = device.submit(3)
    clock.now = 11
    more = [device.submit(4), device.submit(5)]
    assert (device.queue.depth, sorted(observed.reasons)) == (3, ["client_gone", "deadline"])
    with pytest.raises(Overloaded, match="behind others"):
        late.future.result(0)
    with pytest.raises(Overloaded):
        device.submit(6)
    engine.gate.set()
    assert [answer_of(ticket) for ticket in (kept, *more)] == [6, 8, 10]


def test_a_reserved_place_counts_and_is_given_back_unless_it_is_filled(start_device: StartDevice) -> None:
    engine = Doubler()
    device = start_device(engine, queue_size=2)
    first = device.occupy()
    with device.queue.reserve(math.inf) as one, device.queue.reserve(math.inf):
        assert device.queue.depth == 0
        with pytest.raises(Overloaded, match="2 pictures wait"):
            device.queue.reserve(math.inf).__enter__()
        [second] = one(query(1))
    assert device.queue.depth == 1
    device.queue.check_room()
    with pytest.raises(ValueError, match="cannot be decoded"), device.queue.reserve(math.inf):
        raise ValueError("it cannot be decoded")
    third = device.submit(2)
    engine.gate.set()
    assert [answer_of(ticket) for ticket in (first, second, third)] == [0, 2, 4]


def test_what_nobody_waits_for_never_reaches_the_device(start_device: StartDevice, observed: Observed) -> None:
    engine, clock = Doubler(), FakeClock()
    device = start_device(engine, clock=clock)
    device.occupy()
    gone = device.submit(1)
    late = device.submit(2, 10)
    kept = device.submit(3, 20)
    gone.abandon()
    clock.now = 11
    engine.gate.set()
    assert answer_of(kept) == 6
    assert engine.batches == [[0], [3]]
    assert sorted(observed.reasons) == ["client_gone", "deadline"]
    with pytest.raises(CancelledError):
        gone.future.result(WAIT_S)
    with pytest.raises(Overloaded, match="behind others"):
        late.future.result(WAIT_S)


def test_an_abandoned_ticket_that_is_being_answered_is_not_wanted_any_more(start_device: StartDevice) -> None:
    engine = Doubler()
    device = start_device(engine)
    ticket = device.occupy()
    assert ticket.is_wanted()
    ticket.abandon()
    assert not ticket.is_wanted()
    engine.gate.set()
    with pytest.raises(AssertionError):  # the engine asked, and was told
        ticket.future.result(WAIT_S)


def test_a_request_of_several_queries_gets_all_its_places_or_none(start_device: StartDevice) -> None:
    device = start_device(Doubler(), queue_size=4)
    first = device.occupy()
    with device.queue.reserve(math.inf, 3) as three:
        with pytest.raises(Overloaded, match="3 pictures wait"), device.queue.reserve(math.inf, 2):
            pass
        with device.queue.reserve(math.inf):  # the refused request keeps no place
            tickets = three(*map(query, (1, 2, 3)))
            assert device.queue.depth == 3
    device.engine.gate.set()
    assert [answer_of(ticket) for ticket in (first, *tickets)] == [0, 2, 4, 6]


def test_a_request_of_several_queries_is_not_refused_for_its_own(start_device: StartDevice) -> None:
    device = start_device(Doubler(), clock=FakeClock())
    device.engine.gate.set()
    device.queue.expected_s = lambda _query: 10.0
    with device.queue.reserve(30, 3) as three:
        tickets = three(*map(query, (1, 2, 3)))
    assert [answer_of(ticket) for ticket in tickets] == [2, 4, 6]
