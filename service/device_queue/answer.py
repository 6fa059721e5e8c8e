"""Wait for the answer to a query: as long as its client waits too, and no longer than its deadline."""

import asyncio
import time
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from service.device_queue.queue import WAITED_TOO_LONG, Ticket
from service.errors import DeadlineExceeded, Overloaded
from service.localizer import Localization


async def wait_for_answer(ticket: Ticket, receive: Receive, deadline_s: float) -> Localization:
    """Return the answer; if nobody waits for it any more, the ticket is abandoned.

    Args:
        ticket: In the queue.
        receive: Of the request, whose body has been read; tells when the client goes away.
        deadline_s: What the client was given.

    Raises:
        DeadlineExceeded: The deadline has passed while the device worked for this query.
        Overloaded: It has passed while the query waited behind others.
        ClientDisconnect: The client has gone.
        NotReady: The worker has died.
    """
    answer = asyncio.wrap_future(ticket.future)
    gone = asyncio.create_task(_wait_until_gone(receive))
    try:
        left_s = max(0.0, ticket.deadline - time.monotonic())
        waited_for: set[asyncio.Future[Any]] = {answer, gone}
        await asyncio.wait(waited_for, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        if gone.done():
            raise ClientDisconnect
        if ticket.begun_at is None:
            raise Overloaded(WAITED_TOO_LONG)
        raise DeadlineExceeded(deadline_message(deadline_s))
    finally:
        gone.cancel()
        if not answer.done():
            answer.cancel()
            ticket.abandon()


def deadline_message(deadline_s: float) -> str:
    """Return what a client is told whose answer would come too late."""
    return f"the answer was not ready within {deadline_s:g} seconds; ask for a shorter shortlist, or try later"


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
