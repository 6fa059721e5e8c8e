"""Read HTTP as uvicorn does, with limits on a request's head, and problem documents for bytes that are not HTTP."""

import asyncio
import http
from typing import cast

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.lingering import LingeringTransport
from service.problems import status_response
from service.request_scope import REQUEST_ID_HEADER, choose_request_id
from service.security_headers import SECURITY_HEADERS
from service.settings import HEAD_TIMEOUT_S, MAX_HEAD_BYTES

_log = structlog.stdlib.get_logger("placefix.access")


class LimitedHttpProtocol(HttpToolsProtocol):
    """Handle one connection.

    Uvicorn would keep headers of any size, before and after a body, and wait for them for any time: either fills the
    process for all others. It would lose the body of a request that offers another protocol. And it would close the
    connection of a client that is still sending, so that the client loses the answer.

    It uses no private member of uvicorn's class; each method here has a test that fails when it is no longer called.
    """

    _lingering: LingeringTransport
    _is_in_head = False
    _is_in_body = False
    _is_stopping = False
    _head_bytes = 0  # the bytes of the headers that are complete
    _raw_head_bytes = 0  # bytes in pieces without a byte of a body: a head, or the trailer after the last chunk
    _has_advanced = False  # with the latest piece: a message began or ended, or a byte of a body came
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection of a client."""
        self._lingering = LingeringTransport(transport, self._has_answered_too_early)
        super().connection_made(cast(asyncio.Transport, self._lingering))
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Receive bytes."""
        if self._lingering.is_lingering:
            self._lingering.heard()
            return
        self._has_advanced = False
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("")
        if not self._has_advanced:
            self._raw_head_bytes += len(data)
            if self._raw_head_bytes > MAX_HEAD_BYTES and not self._lingering.is_closing():
                self.send_400_response("")

    def shutdown(self) -> None:
        """Stop with the server."""
        self._is_stopping = True
        super().shutdown()

    def on_message_begin(self) -> None:
        """Begin a request at its first byte."""
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = 0
        self._advance()
        self._wait_for_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a complete header."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MAX_HEAD_BYTES:
            raise ValueError("too many bytes of headers")  # httptools reports it, and data_received refuses
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head."""
        self._is_in_head = False
        self._is_in_body = True
        self._advance()
        self._stop_waiting()
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take bytes of the body."""
        self._advance()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the body, with the trailer after it."""
        self._is_in_body = False
        self._advance()
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the same sentence for every error
        """Refuse the request, and close the connection."""
        if max(self._head_bytes, self._raw_head_bytes) > MAX_HEAD_BYTES:
            self._refuse(
                http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the head of the request, or the trailer behind its body, is larger than {MAX_HEAD_BYTES} bytes",
            )
        else:
            self._refuse(http.HTTPStatus.BAD_REQUEST, "this is not a valid HTTP/1.1 request")

    def _advance(self) -> None:
        self._has_advanced = True
        self._raw_head_bytes = 0

    def _decline_upgrade(self, rest: bytes) -> None:
        """Continue in HTTP/1.1 if a client offers another protocol.

        curl --http2 and the HTTP client of Java offer HTTP/2 with the first request. The parser stops after the head of
        this request, with or without a body to come; so it reads the head once more, without the offer.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self.send_400_response("")
            return
        headers = [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"%s %s HTTP/1.1\r\n%s\r\n" % (method, self.url, b"".join(headers)) + rest)

    def _refuse(self, status: http.HTTPStatus, detail: str) -> None:
        self._stop_waiting()
        request_id = choose_request_id(None)
        response = status_response(request_id, status, detail, headers={"Connection": "close"})
        response.headers.update({REQUEST_ID_HEADER: request_id, **SECURITY_HEADERS})
        head = b"".join(b"%s: %s\r\n" % header for header in response.raw_headers)
        self.transport.write(
            b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (status, status.phrase.encode(), head, bytes(response.body))
        )
        if self.cycle is None or self.cycle.response_complete:
            self._lingering.linger()
        else:  # a route waits for the rest of a body
            self.transport.close()
        _log.info("refused", status=str(status.value), request_id=request_id)

    def _has_answered_too_early(self) -> bool:
        """Return whether the answer is out, and the client still sends the body."""
        return self._is_in_body and self.cycle.response_complete and not self._is_stopping

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up_head)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up_head(self) -> None:
        if self.transport.is_closing():
            return
        if self._is_in_head:
            self._refuse(http.HTTPStatus.REQUEST_TIMEOUT, f"no whole head within {HEAD_TIMEOUT_S} seconds")
        else:
            self.transport.close()
