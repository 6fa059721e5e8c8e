"""Connections: how long they stay open without a request, and that an address of IPv6 takes IPv4 as well."""

import socket
from pathlib import Path

import httpx
import pytest

from service.server import make_config
from service.settings import ServiceSettings
from tests.child_processes import Program
from tests.service.conftest import Serve, Town
from tests.waiting import PATIENCE_S, wait_until

GET = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_a_connection_stays_open_longer_than_load_balancers_keep_theirs() -> None:
    assert make_config(None, ServiceSettings()).timeout_keep_alive == 75
    assert make_config(None, ServiceSettings(keep_alive_s=620)).timeout_keep_alive == 620


def test_a_connection_without_a_request_is_closed_after_that(town: Town, serve: Serve) -> None:
    served = serve(town, keep_alive_s=0.1)
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE_S) as connection:
        connection.sendall(GET)
        answer = b""
        while received := connection.recv(65_536):
            answer += received
    assert answer.startswith(b"HTTP/1.1 200")


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_all_of_ipv6_is_all_of_ipv4_too(town: Town, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Program("serve", "--map", town.map_path, "--host", "::", "--port", port, output=tmp_path / "log"):
        for host in ("127.0.0.1", "[::1]"):
            wait_until(lambda url=f"http://{host}:{port}/health/live": answers(url))  # type: ignore[misc]


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:  # not listening yet
        return False
