"""Wait for the answers to a request, until its deadline and only as long as its client waits."""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from service.device_queue.ticket import WAITED_TOO_LONG, Ticket
from service.errors import DeadlineExceeded, Overloaded
from service.localization import Localization

Answer = TypeVar("Answer")


async def wait_for_all(tickets: Sequence[Ticket], receive: Receive, deadline_s: float) -> list[Localization]:
    """Return the answers to the queries of one request; abandon the others if one fails, or the client has gone.

    Args:
        tickets: The tickets, at least one, all with the same deadline.
        receive: A function that gives the ASGI messages of the request after its body; one says that the client has
            gone.
        deadline_s: The service's deadline, which a refusal states.

    Raises:
        DeadlineExceeded: The deadline has passed while the device worked for one of them.
        Overloaded: The deadline has passed while all of them waited behind others.
        ClientDisconnect: The client has gone.
        NotReady: The worker has died.
        PlacefixError: One of the queries has failed.
    """
    answers = asyncio.create_task(_gather(tickets))
    try:
        return await wait_for(answers, receive, tickets[0].deadline - tickets[0].clock())
    except TimeoutError as error:
        has_begun = any(ticket.has_begun for ticket in tickets)
        raise (DeadlineExceeded.after(deadline_s) if has_begun else Overloaded(WAITED_TOO_LONG)) from error
    finally:
        for ticket in tickets:
            if not ticket.future.done():
                ticket.abandon()


async def wait_for(answer: "asyncio.Future[Answer]", receive: Receive, left_s: float) -> Answer:
    """Return an answer, or cancel it once nobody waits for it.

    Args:
        answer: The answer to a request.
        receive: The same as for ``wait_for_all``.
        left_s: The seconds until the deadline.

    Raises:
        TimeoutError: The deadline has passed.
        ClientDisconnect: The client has gone.
    """
    gone = asyncio.create_task(_wait_until_gone(receive))
    try:
        first: set[asyncio.Future[Any]] = {answer, gone}
        await asyncio.wait(first, timeout=max(0.0, left_s), return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        if gone.done():
            raise ClientDisconnect
        raise TimeoutError
    finally:
        gone.cancel()
        answer.cancel()


async def _gather(tickets: Sequence[Ticket]) -> list[Localization]:
    return await asyncio.gather(*(asyncio.wrap_future(ticket.future) for ticket in tickets))


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
