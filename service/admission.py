"""Refuses queries before anything else is done for them, as long as there is no room.

A refusal takes its time from those who were admitted. After routing, and after parameters and key were looked at, it
cost more than three times as much (0.39 instead of 0.11 ms of a processor); so it comes before all that, and a client
without a valid key may read 503 where 401 would follow.
"""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from model.errors import Overloaded
from service.errors import ErrorAnswers
from service.runtime import Runtime

_PATH = "/localize"


class _Route:
    """What the log and the metrics read of a route that was found."""

    path_format = _PATH


class Admission:
    """Lets a query in, or answers 503 at once."""

    def __init__(self, app: ASGIApp, runtime: Runtime, answers: ErrorAnswers) -> None:
        self._app = app
        self._runtime = runtime
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or scope["path"] != _PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            self._runtime.check_room()
        except Overloaded as error:
            scope["route"] = _Route
            response = await self._answers.answer_placefix_error(Request(scope), error)
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)
