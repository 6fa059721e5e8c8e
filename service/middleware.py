"""What surrounds every request: its id, its log line, its metrics, and an answer when something unexpected fails."""

import logging
import time
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.metrics import Metrics
from service.problems import internal_error_response
from service.request_scope import REQUEST_ID_HEADER, choose_request_id, key_name_of, set_request_id
from service.security_headers import SECURITY_HEADERS

_PROBES = frozenset({"/health/live", "/health/ready", "/metrics"})  # asked every few seconds, and not worth a line
_UNMATCHED_ROUTE = "unmatched"  # one label for all paths that do not exist

_log = structlog.stdlib.get_logger("placefix.access")


class RequestObserver:
    """The outermost layer: no request leaves without an id, a log line, metrics and an answer.

    While the service drains, each answer also tells the client to come back on another connection.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, is_draining: Callable[[], bool]) -> None:
        self._app = app
        self._metrics = metrics
        self._is_draining = is_draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        method = scope["method"]
        if method == "HEAD":  # is answered as GET; the server keeps the body back
            scope = {**scope, "method": "GET"}
        request_id = choose_request_id(Headers(scope=scope).get(REQUEST_ID_HEADER))
        set_request_id(scope, request_id)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status: int | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID_HEADER] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if self._is_draining():
                    headers["Connection"] = "close"
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            _log.exception("unexpected error")
            if status is not None:
                raise  # half an answer has gone out: the connection must break
            await internal_error_response(request_id)(scope, receive, send_with_headers)
        finally:
            self._record(scope, method, status, time.perf_counter() - start)

    def _record(self, scope: Scope, method: str, status: int | None, duration_s: float) -> None:
        route = getattr(scope.get("route"), "path_format", _UNMATCHED_ROUTE)  # as /docs writes it, without ":path"
        status_label = "aborted" if status is None else str(status)
        self._metrics.requests.labels(route=route, status=status_label).inc()
        self._metrics.request_duration.labels(route=route).observe(duration_s)
        key_name = key_name_of(scope)
        _log.log(
            logging.DEBUG if route in _PROBES else logging.INFO,
            "request",
            method=method,
            route=route,
            status=status_label,
            duration_ms=round(1000 * duration_s, 3),
            **({} if key_name is None else {"key": key_name}),
        )
