"""HTTP as uvicorn reads it, with limits on a request's head, and problem documents for what is no HTTP."""

import asyncio
import http

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.problems import status_response
from service.request_scope import REQUEST_ID_HEADER, choose_request_id
from service.security_headers import SECURITY_HEADERS
from service.settings import HEAD_TIMEOUT_S, MAX_HEAD_BYTES

_LINGER_S = 2  # in which what a refused client still sends is thrown away, so that it can read why

_log = structlog.stdlib.get_logger("placefix.access")


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection.

    Uvicorn would keep headers of any size, before and behind a body, and wait for them for any time: either fills the
    process for all others. And it would lose the body of a request that offers another protocol.
    """

    _is_in_head = False
    _head_bytes = 0  # of the headers that are complete
    _raw_head_bytes = 0  # in pieces without a byte of a body: of a head, or of the trailer behind the last chunk
    _has_advanced = False  # with the latest piece: something began or ended, or a byte of a body has come
    _head_timer: asyncio.TimerHandle | None = None
    _is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._is_refused:
            return
        self._has_advanced = False
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("")
        if not self._has_advanced:
            self._raw_head_bytes += len(data)
            if self._raw_head_bytes > MAX_HEAD_BYTES and not self._is_refused:
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = 0
        self._advance()
        self._wait_for_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header is complete."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MAX_HEAD_BYTES:
            raise ValueError("too many bytes of headers")  # httptools reports it, and data_received refuses
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._is_in_head = False
        self._advance()
        self._stop_waiting()
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """The size of a chunk has come."""
        self._advance()

    def on_body(self, body: bytes) -> None:
        """Bytes of the body have come."""
        self._advance()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is complete, with the trailer behind it."""
        self._advance()
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the same sentence for everything
        """Refuses what has come, and closes the connection."""
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
        """Goes on in HTTP/1.1 where a client offers another protocol.

        curl --http2 and the HTTP client of Java offer HTTP/2 with the first request. The parser stops behind such a
        head, with or without a body to come; so it reads the head once more, without the offer.
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
        self._is_refused = True
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write_eof()
            self.loop.call_later(_LINGER_S, self.transport.close)
        else:  # somebody waits for the rest of a body
            self.transport.close()
        _log.info("refused", status=str(status.value), request_id=request_id)

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
