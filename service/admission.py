"""Refuses queries before anything else is done for them, as long as there is no room.

A refusal takes its time from those who were admitted: 0.39 ms of a processor by way of the router, with parameters and
key looked at, and 0.05 ms here. So all that is the same in every refusal is made once, there is one line in the log for
many of them, and a client without a valid key may read 503 where 401 would follow.
"""

import time
from functools import lru_cache

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import Overloaded
from service.metrics import Metrics
from service.problems import PROBLEM_KINDS, problem_response
from service.request_scope import REQUEST_ID_HEADER, choose_request_id
from service.runtime import Runtime
from service.security_headers import SECURITY_HEADERS

_PATH = "/localize"
_LOG_INTERVAL_S = 10.0
_ID = "the-id-of-the-request"
_ID_HEADER = REQUEST_ID_HEADER.lower().encode()

_RawHeaders = tuple[tuple[bytes, bytes], ...]

_log = structlog.stdlib.get_logger("placefix.access")


class Admission:
    """Lets a query in, or answers 503 at once. The outermost layer: it counts what it refuses itself."""

    def __init__(self, app: ASGIApp, runtime: Runtime, metrics: Metrics) -> None:
        self._app = app
        self._runtime = runtime
        status = str(PROBLEM_KINDS[Overloaded.code].status)
        self._requests = metrics.requests.labels(route=_PATH, status=status)
        self._duration = metrics.request_duration.labels(route=_PATH)
        self._rejected = metrics.rejected.labels(reason=Overloaded.code)
        self._unlogged = 0
        self._log_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] == "http" and scope["path"] == _PATH and scope["method"] == "POST":
            start = time.perf_counter()
            try:
                self._runtime.check_room()
            except Overloaded as error:
                await self._refuse(error, scope, send)
                self._record(time.perf_counter() - start)
                return
        await self._app(scope, receive, send)

    async def _refuse(self, error: Overloaded, scope: Scope, send: Send) -> None:
        head, before_id, after_id = _parts(error.message, self._runtime.settings.retry_after_s)
        request_id = choose_request_id(Headers(scope=scope).get(REQUEST_ID_HEADER)).encode()
        body = before_id + request_id + after_id
        headers = [*head, (_ID_HEADER, request_id), (b"content-length", b"%d" % len(body))]
        if self._runtime.is_draining:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": PROBLEM_KINDS[error.code].status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _record(self, duration_s: float) -> None:
        self._requests.inc()
        self._duration.observe(duration_s)
        self._rejected.inc()
        self._unlogged += 1
        now = time.monotonic()
        if now >= self._log_at:
            _log.warning("queries are refused: there is no room", refused=self._unlogged)
            self._unlogged, self._log_at = 0, now + _LOG_INTERVAL_S


@lru_cache(maxsize=8)
def _parts(detail: str, retry_after_s: int) -> tuple[_RawHeaders, bytes, bytes]:
    """A refusal as it always is: its headers, and its body before and after the request's id."""
    headers = {"Retry-After": str(retry_after_s), **SECURITY_HEADERS}
    response = problem_response(_ID, Overloaded.code, PROBLEM_KINDS[Overloaded.code], detail, headers=headers)
    before_id, _, after_id = bytes(response.body).partition(_ID.encode())
    head = tuple(header for header in response.raw_headers if header[0] != b"content-length")
    return head, before_id, after_id
