"""Methods and paths: what a path does not have is refused by name, and OPTIONS and HEAD are answered everywhere."""

import pytest

from tests.service.asking import check_problem
from tests.service.conftest import Served


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/localize", 405, "method_not_allowed"),
        ("DELETE", "/localize", 405, "method_not_allowed"),
        ("POST", "/health/live", 405, "method_not_allowed"),
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/static/../../etc/passwd", 404, "not_found"),
        ("GET", "/docs/docs.py", 404, "not_found"),
    ],
)
def test_other_methods_and_paths(method: str, path: str, status: int, code: str, town_server: Served) -> None:
    response = town_server.client.request(method, path, follow_redirects=True)
    check_problem(response, status, code)
    if status == 405:
        assert response.headers["Allow"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/localize", "OPTIONS, POST"),
        ("/health/live", "GET, HEAD, OPTIONS"),
        ("/maps/town/places/100%25.jpg/thumbnail", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
        ("/samples", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_and_head_are_answered_everywhere(path: str, allowed: str, town_server: Served) -> None:
    client = town_server.client
    options = client.options(path)
    assert (options.status_code, options.headers["Allow"], options.content) == (200, allowed, b"")
    head = client.head(path, headers={"Accept-Encoding": "identity"})
    assert head.content == b""
    if "GET" in allowed:
        got = client.get(path, headers={"Accept-Encoding": "identity"})
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(got.content)))
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
    else:
        assert (head.status_code, head.headers["Allow"]) == (405, allowed)
    assert client.options("/nothing").status_code == 404
