"""What surrounds every request: its id, its log line, its metrics, and an answer when something unexpected fails."""

import logging
import time
from collections.abc import Callable, Iterable

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.early_refusal import QUERY_PATH, EarlyRefusal
from service.metrics import Metrics
from service.problems import internal_error_response
from service.request_scope import REQUEST_ID_HEADER, choose_request_id, key_name_of, set_request_id
from service.security_headers import SECURITY_HEADERS

_PROBES = frozenset({"/health/live", "/health/ready", "/metrics"})  # asked every few seconds, and not worth a line
_UNMATCHED_ROUTE = "unmatched"  # one label for all paths that do not exist

_REQUEST_ID_HEADER = REQUEST_ID_HEADER.lower().encode()
_RAW_SECURITY_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

_log = structlog.stdlib.get_logger("placefix.access")


class RequestObserver:
    """The outermost layer: no request leaves without an id, metrics, a log line and an answer.

    A query for which there is no room is refused here already. While the service drains, each answer also tells the
    client to come back on another connection.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, refusal: EarlyRefusal, is_draining: Callable[[], bool]) -> None:
        self._app = app
        self._metrics = metrics
        self._refusal = refusal
        self._is_draining = is_draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        method = scope["method"]
        if method == "HEAD":  # is answered as GET; the server keeps the body back
            scope = {**scope, "method": "GET"}
        request_id = choose_request_id(Headers(scope=scope).get(REQUEST_ID_HEADER))
        set_request_id(scope, request_id)
        status: int | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._complete(message["headers"], request_id)
            await send(message)

        if (reason := self._refusal.find_reason(scope)) is not None:
            await self._refusal.answer(reason, scope, send_with_headers)
            self._count(QUERY_PATH, status, time.perf_counter() - start)
            return
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            _log.exception("unexpected error")
            if status is not None:
                raise  # half an answer has gone out: the connection must break
            await internal_error_response(request_id)(scope, receive, send_with_headers)
        finally:
            duration_s = time.perf_counter() - start
            route = getattr(scope.get("route"), "path_format", _UNMATCHED_ROUTE)  # as /docs writes it, without ":path"
            self._count(route, status, duration_s)
            self._log(scope, method, route, status, duration_s)

    def _complete(self, headers: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
        """Return the headers of an answer with those that every answer has; its own go before."""
        own = {name for name, _ in headers}
        complete = [*headers, (_REQUEST_ID_HEADER, request_id.encode())]
        complete += [header for header in _RAW_SECURITY_HEADERS if header[0] not in own]
        if self._is_draining() and b"connection" not in own:
            complete.append((b"connection", b"close"))
        return complete

    def _count(self, route: str, status: int | None, duration_s: float) -> None:
        self._metrics.requests.labels(route=route, status=_label(status)).inc()
        self._metrics.request_duration.labels(route=route).observe(duration_s)

    def _log(self, scope: Scope, method: str, route: str, status: int | None, duration_s: float) -> None:
        key_name = key_name_of(scope)
        _log.log(
            logging.DEBUG if route in _PROBES else logging.INFO,
            "request",
            method=method,
            route=route,
            status=_label(status),
            duration_ms=round(1000 * duration_s, 3),
            **({} if key_name is None else {"key": key_name}),
        )


def _label(status: int | None) -> str:
    return "aborted" if status is None else str(status)
