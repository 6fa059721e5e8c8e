"""Bytes that are not HTTP, or too much of it, are refused as they come, before anything is kept."""

import json
import socket
import time
from contextlib import suppress

import pytest

from tests.service.asking import HEAD, exchange, is_healthy
from tests.service.conftest import Served, Town
from tests.waiting import PATIENCE_S


@pytest.mark.parametrize(
    ("name", "request_bytes", "status"),
    [
        ("a terabyte is announced", HEAD + b"Content-Length: 1000000000000\r\n\r\n", 413),
        ("a negative length", HEAD + b"Content-Length: -1\r\n\r\n", 400),
        ("a length that is no number", HEAD + b"Content-Length: many\r\n\r\n", 400),
        ("a length beyond 64 bits", HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n", 400),
        ("two lengths", HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        ("length and chunks", HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("a chunk of no size", HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50) + b"\r\n\r\n", 400),
        ("a tunnel", b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("a method that nobody knows", b"LOCALIZE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("5000 headers", HEAD + b"".join(b"X-%d: a\r\n" % n for n in range(5000)) + b"\r\n", 431),
        ("a header of 17 kB", HEAD + b"X-Long: " + b"a" * 17_000 + b"\r\n\r\n", 431),
        ("a header of 5 MB that does not end", HEAD + b"X-Long: " + b"a" * 5_000_000, 431),
        ("a header name of 5 MB", HEAD + b"a" * 5_000_000, 431),
        ("a path of 200 kB", b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
    ],
)
def test_requests_that_are_not_http(name: str, request_bytes: bytes, status: int, town_server: Served) -> None:
    answered, rest = exchange(town_server, request_bytes)
    assert answered == status, (name, rest)
    head, _, body = rest.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json\r\n" in head
    problem = json.loads(body)
    assert (problem["status"], bool(problem["code"])) == (status, True)
    assert f"x-request-id: {problem['request_id']}" in head.decode().lower()
    assert is_healthy(town_server)


@pytest.mark.parametrize(
    ("start", "rest"),
    [(b"0\r\nX: ", b"a" * 4096), (b"0\r\n", b"a" * 4096), (b"0\r\n", b"X: abc\r\n" * 500), (b"5;", b"a" * 4096)],
    ids=["a header", "a name", "many headers", "an extension of a chunk"],
)
def test_what_comes_between_and_behind_chunks_is_limited(start: bytes, rest: bytes, town_server: Served) -> None:
    with socket.create_connection(("127.0.0.1", town_server.port), timeout=PATIENCE_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + start)
        sent_bytes = 0
        connection.setblocking(False)
        while not (answer := received(connection)):
            assert sent_bytes < 200_000, "it goes on reading"
            with suppress(ConnectionError, BlockingIOError):
                sent_bytes += connection.send(rest)
            time.sleep(0.02)
    assert answer.startswith(b"HTTP/1.1 431")
    assert is_healthy(town_server)


def received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except BlockingIOError:
        return b""


@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_an_offer_of_http_2_is_passed_over(pieces: int, town: Town, town_server: Served) -> None:
    content = town.photos["100%.jpg"].read_bytes()
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    request = HEAD + offer + b"Content-Length: %d\r\n\r\n" % len(content) + content
    after = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n" + offer + b"\r\n"
    with socket.create_connection(("127.0.0.1", town_server.port), timeout=PATIENCE_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        length = -(-len(request) // pieces)
        for start in range(0, len(request), length):
            connection.sendall(request[start : start + length])
            time.sleep(0.02)
        answer = connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b'"id":"100%.jpg"' in answer
        connection.sendall(after)
        assert connection.recv(65_536).endswith(b'{"status":"live"}')


def test_a_head_just_under_the_limit_is_read(town_server: Served) -> None:
    response = town_server.client.get("/health/live", headers={"X-Long": "a" * 15_000})
    assert response.status_code == 200


def test_a_body_is_not_taken_for_a_head(town_server: Served) -> None:
    """However large it is, and in however many pieces it comes."""
    with socket.create_connection(("127.0.0.1", town_server.port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(HEAD + b"Content-Length: 200000\r\n\r\n")
        for _ in range(20):
            connection.sendall(bytes(10_000))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 415")
