"""The wait for the answers to a request of several photos."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from model.errors import ModelOutputInvalid
from service.device_queue.ticket import Ticket
from service.engine import Query
from service.errors import DeadlineExceeded, Overloaded
from service.localization import Localization
from service.waiting import wait_for_all
from tests.clock import FakeClock

ANSWERS = [cast(Localization, object()) for _ in range(3)]


def tickets() -> list[Ticket]:
    return [Ticket(cast(Query, None), deadline=0.05, clock=FakeClock()) for _ in ANSWERS]


def wait(asked: Sequence[Ticket], *, is_gone: bool = False) -> list[Localization]:
    async def receive() -> Message:
        if not is_gone:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return asyncio.run(wait_for_all(asked, receive, 30))


def test_the_answers_are_those_of_the_tickets_in_their_order() -> None:
    asked = tickets()
    for ticket, answer in reversed(list(zip(asked, ANSWERS, strict=True))):
        ticket.future.set_result(answer)
    assert wait(asked) == ANSWERS


def test_if_one_fails_the_others_are_abandoned() -> None:
    asked = tickets()
    asked[0].future.set_result(ANSWERS[0])
    asked[1].future.set_exception(ModelOutputInvalid("NaN"))
    with pytest.raises(ModelOutputInvalid):
        wait(asked)
    assert [ticket.is_wanted() for ticket in asked] == [True, True, False]
    assert asked[2].future.cancelled()


def test_a_client_that_has_gone_waits_for_none_of_them() -> None:
    asked = tickets()
    with pytest.raises(ClientDisconnect):
        wait(asked, is_gone=True)
    assert not any(ticket.is_wanted() for ticket in asked)


def test_a_deadline_that_passes_is_told_by_whether_the_device_has_begun() -> None:
    asked = tickets()
    with pytest.raises(Overloaded, match="waited behind others"):
        wait(asked)
    begun = tickets()
    begun[0].future.set_result(ANSWERS[0])
    begun[1].has_begun = True
    with pytest.raises(DeadlineExceeded):
        wait(begun)
    assert not any(ticket.is_wanted() for ticket in (*asked, *begun[1:]))
