"""A cheap client: requests are prepared bytes, connections are reused, answers are parsed in C."""

import asyncio
from dataclasses import dataclass
from typing import cast

import httptools


@dataclass(frozen=True)
class Response:
    """Hold an answer.

    Attributes:
        status: The status of HTTP.
        body: The bytes of the body.
    """

    status: int
    body: bytes


class _Connection(asyncio.Protocol):
    """Send one request at a time over one connection."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._answer: asyncio.Future[Response] | None = None
        self._transport: asyncio.Transport | None = None
        self.is_open = False
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.is_open = cast("asyncio.Transport", transport), True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self.lost.set_result(None)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        response = Response(self._parser.get_status_code(), bytes(self._body))
        if not self._parser.should_keep_alive():
            self.is_open = False
        self._parser, self._body = httptools.HttpResponseParser(self), bytearray()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(response)

    async def ask(self, request: bytes) -> Response:
        """Send a request and wait for its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is not None:
            self._transport.write(request)
        return await self._answer

    async def close(self) -> None:
        """Close the connection, and wait until it is closed."""
        if self._transport is not None:
            self._transport.close()
            await self.lost


class Client:
    """Hold connections to one server, as many as there are simultaneous requests.

    Args:
        host: The address of the server.
        port: The port of the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[_Connection] = []
        self._all: list[_Connection] = []

    async def ask(self, request: bytes) -> Response:
        """Send a request on a free connection, or on a new one.

        Raises:
            OSError: The server does not accept the connection, or closes it.
        """
        while self._idle and not self._idle[-1].is_open:
            self._idle.pop()
        connection = self._idle.pop() if self._idle else await self._connect()
        response = await connection.ask(request)
        if connection.is_open:
            self._idle.append(connection)
        return response

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(connection.close() for connection in self._all))

    async def _connect(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, self._host, self._port)
        self._all.append(connection)
        return connection


def localize_request(host: str, content: bytes) -> bytes:
    """Return ``POST /localize`` with a picture, as bytes."""
    head = (
        f"POST /localize HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode("ascii") + content


def get_request(host: str, path: str) -> bytes:
    """Return ``GET`` of a path, as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("ascii")
