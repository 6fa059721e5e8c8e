"""A query in the queue, and the wait for its answer: as long as its client waits too, and until its deadline."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from service.engine import Query
from service.errors import DeadlineExceeded, Overloaded
from service.localization import Localization

Clock = Callable[[], float]

WAITED_TOO_LONG = "the picture waited behind others until its deadline; try again in a moment"


def settle(future: "Future[Any]", result: object = None, error: BaseException | None = None) -> None:
    """Set an outcome; ignored if there is one, because a stuck device that comes back is too late."""
    with suppress(InvalidStateError):
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


@dataclass(eq=False)
class Ticket:
    """A query in the queue, and its answer to come.

    Attributes:
        deadline: After which nobody needs the answer.
        clock: The queue's; all times are on it.
        has_begun: Whether the device works for it, and not for others of its batch.
    """

    query: Query
    deadline: float
    clock: Clock
    has_begun: bool = False
    future: "Future[Localization]" = field(default_factory=Future)
    _is_abandoned: bool = False

    def abandon(self) -> None:
        """Note that nobody waits for the answer any more."""
        self.future.cancel()  # fails once the device has begun; then the flag stops it half way
        self._is_abandoned = True

    def is_wanted(self) -> bool:
        """Return whether somebody still waits."""
        return not self._is_abandoned and not self.is_late()

    def is_late(self) -> bool:
        """Return whether the deadline has passed."""
        return self.clock() > self.deadline

    async def wait(self, receive: Receive, deadline_s: float) -> Localization:
        """Return the answer; if nobody waits for it any more, the ticket is abandoned.

        Args:
            receive: Of the request, whose body has been read; tells when the client goes away.
            deadline_s: The service's, for the words of the refusal.

        Raises:
            DeadlineExceeded: The deadline has passed while the device worked for this query.
            Overloaded: It has passed while the query waited behind others.
            ClientDisconnect: The client has gone.
            NotReady: The worker has died.
        """
        answer = asyncio.wrap_future(self.future)
        gone = asyncio.create_task(_wait_until_gone(receive))
        try:
            first: set[asyncio.Future[Any]] = {answer, gone}
            await asyncio.wait(first, timeout=self.deadline - self.clock(), return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            if gone.done():
                raise ClientDisconnect
            raise DeadlineExceeded.after(deadline_s) if self.has_begun else Overloaded(WAITED_TOO_LONG)
        finally:
            gone.cancel()
            if not answer.done():
                answer.cancel()
                self.abandon()


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
