"""Surround every request with path, id, trace, log line and metrics, and answer unexpected errors."""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.cors import OtherOrigins, RawHeaders
from service.early_refusal import EarlyRefusal
from service.metrics import Metrics
from service.paths import QUERY_PATH, route_path
from service.problems import internal_error_response
from service.request_scope import REQUEST_ID_HEADER, choose_request_id, key_name_of, set_request_id
from service.security_headers import SECURITY_HEADERS
from service.shard_state import SHARD_PATH
from service.trace_context import TRACE_ANSWER_HEADER, TRACE_HEADER, TraceContext, read_trace_context

# Requested every few seconds, and not worth a line.
_PROBES = frozenset({"/health/live", "/health/ready", "/metrics", SHARD_PATH})
_UNMATCHED_ROUTE = "unmatched"  # one label for all paths that do not exist

_REQUEST_ID_HEADER = REQUEST_ID_HEADER.lower().encode()
_TRACE_ANSWER_HEADER = TRACE_ANSWER_HEADER.encode()
_RAW_SECURITY_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

_log = structlog.stdlib.get_logger("placefix.access")


class RequestObserver:
    """Wrap the application: no request leaves without an id, metrics, a log line and an answer.

    A query for which there is no room is refused here already. While the service drains, each answer also tells the
    client to use another connection next time.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        refusal: EarlyRefusal,
        is_draining: Callable[[], bool],
        root_path: str,
        other_origins: OtherOrigins,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._refusal = refusal
        self._is_draining = is_draining
        self._root_path = root_path
        self._other_origins = other_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        method = scope["method"]
        scope = {
            **scope,
            "method": "GET" if method == "HEAD" else method,  # the server keeps the body back
            "path": route_path(scope["path"], self._root_path),
        }
        asked = Headers(scope=scope)
        request_id = choose_request_id(asked.get(REQUEST_ID_HEADER))
        set_request_id(scope, request_id)
        trace = read_trace_context(asked.getlist(TRACE_HEADER))
        status: int | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._complete(list(message["headers"]), scope, request_id, trace)
            await send(message)

        if (reason := self._refusal.find_reason(scope)) is not None:
            await self._refusal.answer(reason, scope, send_with_headers)
            self._count(QUERY_PATH, status, time.perf_counter() - start)
            return
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id, **({} if trace is None else asdict(trace)))
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

    def _complete(self, headers: RawHeaders, scope: Scope, request_id: str, trace: TraceContext | None) -> RawHeaders:
        """Return the headers of an answer, followed by those that every answer has."""
        complete = [*headers, *self._other_origins.headers_for(scope, dict(headers).get(b"content-type", b""))]
        complete.append((_REQUEST_ID_HEADER, request_id.encode()))
        if trace is not None:
            complete.append((_TRACE_ANSWER_HEADER, trace.answer.encode()))
        own = {name for name, _ in complete}
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
