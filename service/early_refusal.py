"""Refuse queries before any other work, as long as there is no room.

A refusal takes time from admitted queries. So it skips the router, parameters and key, its constant parts are made
once, and one line in the log stands for many refusals. A client without a valid key may read 503 in the place of a
later 401.
"""

import time
from collections.abc import Callable
from functools import lru_cache

import structlog
from starlette.types import Scope, Send

from service.errors import Overloaded
from service.metrics import Metrics
from service.paths import QUERY_PATH
from service.problems import PROBLEM_KINDS, RETRY_SOON, problem_response
from service.request_scope import request_id_of

_LOG_INTERVAL_S = 10.0
_ID = "the-id-of-the-request"

_log = structlog.stdlib.get_logger("placefix.access")


class EarlyRefusal:
    """Refuse requests for which there is no room."""

    def __init__(self, check_room: Callable[[], None], metrics: Metrics) -> None:
        self._check_room = check_room
        self._rejected = metrics.rejected.labels(reason=Overloaded.code)
        self._unlogged = 0
        self._log_at = 0.0

    def find_reason(self, scope: Scope) -> str | None:
        """Return why a request is refused; None if it is not."""
        if scope["path"] != QUERY_PATH or scope["method"] != "POST":
            return None
        try:
            self._check_room()
        except Overloaded as error:
            return error.message
        return None

    async def answer(self, reason: str, scope: Scope, send: Send) -> None:
        """Send the refusal of a request that has its id, and count it."""
        self._rejected.inc()
        self._unlogged += 1
        if (now := time.monotonic()) >= self._log_at:
            _log.warning("queries are refused: there is no room", refused=self._unlogged)
            self._unlogged, self._log_at = 0, now + _LOG_INTERVAL_S
        head, before_id, after_id = _parts(reason)
        body = before_id + request_id_of(scope).encode() + after_id
        headers = [*head, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": PROBLEM_KINDS[Overloaded.code].status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=8)
def _parts(detail: str) -> tuple[tuple[tuple[bytes, bytes], ...], bytes, bytes]:
    """Return the constant parts of a refusal: its headers, and its body before and after the request's id."""
    response = problem_response(_ID, Overloaded.code, PROBLEM_KINDS[Overloaded.code], detail, headers=RETRY_SOON)
    before_id, _, after_id = bytes(response.body).partition(_ID.encode())
    return tuple(each for each in response.raw_headers if each[0] != b"content-length"), before_id, after_id
