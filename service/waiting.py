"""A request waits for its answer: as long as its client waits too, and no longer than its deadline."""

import asyncio
import time
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from service.errors import DeadlineExceeded, Overloaded
from service.tickets import WAITED_TOO_LONG, Answered, Ticket

Item = TypeVar("Item")
Result = TypeVar("Result")


async def wait_for_answer(
    ticket: Ticket[Item, Result], request: Request, deadline: float, deadline_s: float
) -> Answered[Result]:
    """Waits until the device has answered; if nobody waits any more, the ticket is given up.

    Args:
        ticket: In the queue.
        request: Whose body has been read; is watched for the client's going away.
        deadline: On the clock of ``time.monotonic``.
        deadline_s: What the client was given.

    Raises:
        DeadlineExceeded: The deadline has passed while the device worked for this request.
        Overloaded: It has passed while the request waited behind others.
        ClientDisconnect: The client has gone.
        NotReady: The worker has died.
    """
    answered = asyncio.wrap_future(ticket.future)
    gone = asyncio.create_task(_until_gone(request))
    try:
        waited_for: set[asyncio.Future[Any]] = {answered, gone}
        left_s = max(0.0, deadline - time.monotonic())
        await asyncio.wait(waited_for, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        if answered.done():
            return answered.result()
        if gone.done():
            raise ClientDisconnect
        if not ticket.has_begun:
            raise Overloaded(WAITED_TOO_LONG)
        raise DeadlineExceeded(deadline_message(deadline_s))
    finally:
        gone.cancel()
        if not answered.done():
            answered.cancel()
            ticket.abandon()


def deadline_message(deadline_s: float) -> str:
    """What a client is told whose answer would come too late."""
    return f"the answer was not ready within {deadline_s:g} seconds; ask for a shorter shortlist, or try later"


async def _until_gone(request: Request) -> None:
    """Returns once the client has closed its connection; the body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
