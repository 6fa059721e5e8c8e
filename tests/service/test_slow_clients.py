"""Clients that stall, never end, or go away: given up after a while, and told so where they still listen."""

import json
import select
import socket
import time

import pytest

from service import http_protocol, lingering
from tests.service.asking import HEAD, IMAGE_PART, MULTIPART, exchange, is_healthy
from tests.service.conftest import Serve, Town
from tests.service.pictures import JPEG
from tests.waiting import PATIENCE_S, wait_until


def test_a_head_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch, town: Town, serve: Serve) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT_S", 0.3)
    served = serve(town)
    status, answer = exchange(served, b"GET /health/live HTTP/1.1\r\nHost:")
    assert (status, b'"request_timeout"' in answer) == (408, True)
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE_S) as silent:
        assert silent.recv(100) == b""
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE_S) as kept:  # an upload may take longer
        kept.sendall(HEAD + b"Content-Length: 11\r\n\r\n")
        time.sleep(0.6)
        kept.sendall(b"not a photo")
        assert kept.recv(65_536).startswith(b"HTTP/1.1 415")
    assert is_healthy(served)


def test_an_upload_that_stalls_is_told_so(town: Town, serve: Serve) -> None:
    served = serve(town, upload_timeout_s=0.3)
    requests = {
        "nothing comes": HEAD + b"Content-Length: 5000\r\n\r\n",
        "half comes": HEAD + b"Content-Length: 5000\r\n\r\n" + JPEG[:700],
        "half a form comes": HEAD + f"Content-Type: {MULTIPART}\r\nContent-Length: 5000\r\n\r\n".encode() + IMAGE_PART,
        "chunks stop": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    }
    for name, request in requests.items():
        status, answer = exchange(served, request)
        assert status == 408, (name, answer)
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "upload_timeout"
        assert b"connection: close" in answer.lower()
    assert is_healthy(served)


def test_a_client_that_is_still_sending_can_read_why_it_was_given_up(town: Town, serve: Serve) -> None:
    served = serve(town, upload_timeout_s=0.3)
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        wait_until(lambda: has_come(connection))
        for _ in range(200):
            connection.sendall(b"5\r\nhello\r\n" * 1000)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 408")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "upload_timeout"
    assert is_healthy(served)


def test_a_server_that_stops_does_not_listen_to_a_client_that_it_has_refused(
    monkeypatch: pytest.MonkeyPatch, town: Town, serve: Serve
) -> None:
    monkeypatch.setattr(lingering, "_LONGEST_S", 3600.0)
    served = serve(town, upload_timeout_s=0.3, shutdown_grace_s=3600)
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        wait_until(lambda: served.runtime.queue.in_flight == 1 or has_come(connection))
        served.server.should_exit = True
        wait_until(lambda: has_come(connection))
        wait_until(lambda: is_reset(connection))


def is_reset(connection: socket.socket) -> bool:
    """Send a little more; return whether the other side has gone and not only ended its answer."""
    try:
        connection.sendall(b"5\r\nhello\r\n")
    except ConnectionError:
        return True
    return False


def has_come(connection: socket.socket) -> bool:
    return bool(select.select([connection], [], [], 0)[0])


def test_clients_that_go_away_in_the_middle_of_an_upload_do_no_harm(town: Town, serve: Serve) -> None:
    served = serve(town)
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.sendall(HEAD + b"Content-Length: 5000\r\n\r\n" + JPEG[:700])
    wait_until(
        lambda: 'placefix_requests_total{route="/localize",status="499"} 10.0' in served.client.get("/metrics").text
    )
    assert 'status="500"' not in served.client.get("/metrics").text
    assert is_healthy(served)
