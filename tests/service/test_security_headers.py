"""Headers that every answer has, from a route, the framework, or the parser of HTTP."""

import http.client
import socket
from pathlib import Path

import httpx
import pytest

from service.key_file import append_key
from service.keys import Scope, make_key
from service.page_files import page_files
from service.security_headers import SECURITY_HEADERS
from tests.service.conftest import Serve, Served, Town
from tests.service.pictures import JPEG
from tests.waiting import PATIENCE_S

PAGES = ["/", "/status", "/docs"]
REQUESTS = [
    ("GET", "/health/live", 200),
    ("GET", "/health/ready", 200),
    ("GET", "/metrics", 200),
    ("GET", "/maps", 200),
    ("GET", "/maps/town/places/100%25.jpg/thumbnail", 200),
    ("GET", "/maps/town/places", 200),
    ("GET", page_files().path_of("page.js"), 200),
    ("GET", "/docs/swagger-ui.js", 200),
    ("GET", "/openapi.json", 200),
    ("POST", "/localize", 200),
    ("POST", "/localize?candidates=0", 422),
    ("GET", "/localize", 405),
    ("HEAD", "/maps", 200),
    ("OPTIONS", "/localize", 200),
    ("GET", "/nothing", 404),
]


def check(headers: httpx.Headers, ignoring: tuple[str, ...] = ()) -> None:
    assert {name: headers.get(name) for name in SECURITY_HEADERS if name not in ignoring} == {
        name: value for name, value in SECURITY_HEADERS.items() if name not in ignoring
    }
    assert "Server" not in headers
    assert "X-Powered-By" not in headers
    assert not [name for name in headers if name.lower().startswith("access-control-")]
    assert "X-Request-Id" in headers


@pytest.mark.parametrize(("method", "path", "status"), REQUESTS)
def test_every_answer_has_them_and_allows_no_other_origin(
    method: str, path: str, status: int, town_server: Served
) -> None:
    origin = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    content = JPEG if method == "POST" else None
    response = town_server.client.request(method, path, headers=origin, content=content)
    assert response.status_code == status
    check(response.headers)


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_a_stricter_or_wider_policy_of_their_own_and_all_the_rest(path: str, town_server: Served) -> None:
    headers = town_server.client.get(path).headers
    check(headers, ignoring=("Content-Security-Policy", "Permissions-Policy"))
    assert ("geolocation=(self)" in headers["Permissions-Policy"]) == (path == "/")
    assert headers["Permissions-Policy"].replace("(self)", "()") == SECURITY_HEADERS["Permissions-Policy"]
    policy = headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"):
        assert part in policy.split("; ")
    assert "unsafe-eval" not in policy
    assert ("unsafe-inline" in policy) == (path == "/docs")  # for styles, which Swagger UI writes


def test_refusals_have_them(town: Town, serve: Serve, tmp_path: Path) -> None:
    append_key(tmp_path / "keys.txt", "fleet", make_key("fleet", [Scope.ADMIN])[1])
    served = serve(town, keys=tmp_path / "keys.txt")
    response = served.client.get("/maps")
    assert response.status_code == 401
    check(response.headers)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"this is no HTTP\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431),
        (b"POST /localize HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    ],
)
def test_what_is_refused_before_it_is_a_request_gets_them_too(sent: bytes, status: int, town_server: Served) -> None:
    with socket.create_connection(("127.0.0.1", town_server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(sent)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == status
        check(httpx.Headers(response.getheaders()))
