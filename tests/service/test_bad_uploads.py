"""What people and attackers send: each gets its own answer, and the server goes on."""

import encodings
import gc
import json
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from service import http_protocol
from service.errors import PROBLEM_KINDS
from tests.service.conftest import Serve, Served, Town
from tests.service.pictures import JPEG, broken_pictures, odd_pictures

BROKEN = list(broken_pictures())
ODD = list(odd_pictures())
BOUNDARY = "photo-boundary"


def is_healthy(served: Served) -> bool:
    return served.client.get("/health/ready").status_code == 200


def check_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(problem)
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert problem["detail"]
    assert code in ("", problem["code"])
    assert "Traceback" not in response.text
    return problem


def test_the_table_is_large_enough() -> None:
    kinds = {kind for kind, *_ in BROKEN} | {name for name, *_ in REQUESTS}
    assert len(BROKEN) + len(REQUESTS) >= 60
    assert len(kinds) >= 15


@pytest.mark.parametrize(("kind", "name", "content", "status", "code"), BROKEN, ids=[f"{b[0]}: {b[1]}" for b in BROKEN])
def test_a_broken_picture_is_refused_for_its_own_reason(
    kind: str, name: str, content: bytes, status: int, code: str, town_server: Served
) -> None:
    response = town_server.client.post("/localize", files={"image": (f"{name}.jpg", content, "image/jpeg")})
    problem = check_problem(response, status, code)
    assert f"{name}.jpg" not in response.text
    if content:
        by_body = town_server.client.post("/localize", content=content, headers={"Content-Type": "image/jpeg"})
        assert check_problem(by_body, status, code)["code"] == problem["code"]
    assert is_healthy(town_server), kind


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(("name", "content"), ODD, ids=[name for name, _ in ODD])
def test_an_odd_picture_is_answered(name: str, content: bytes, town_server: Served) -> None:
    response = town_server.client.post("/localize", files={"image": content})
    assert response.status_code == 200, (name, response.text)
    assert response.json()["status"] == "localized"


def part(disposition: str, content: bytes) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


IMAGE_PART = part('form-data; name="image"; filename="a.jpg"', JPEG)
END = f"--{BOUNDARY}--\r\n".encode()
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
FORM = {"headers": {"Content-Type": MULTIPART}}


def slowly(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 65_536):
        yield content[start : start + 65_536]


REQUESTS: list[tuple[str, dict[str, Any], int, str]] = [
    ("no body", {}, 422, "missing_image"),
    ("a JSON body", {"json": {"image": "photo.jpg"}}, 422, "missing_image"),
    ("a JSON list", {"content": b"[1, 2]", "headers": {"Content-Type": "application/geo+json"}}, 422, "missing_image"),
    (
        "the picture as a text field",
        {"content": part('form-data; name="image"', b"abc") + END, **FORM},
        422,
        "missing_image",
    ),
    (
        "a large picture as a text field",
        {"content": part('form-data; name="image"', JPEG + bytes(100_000)) + END, **FORM},
        422,
        "missing_image",
    ),
    ("a form with no parts", {"content": END, **FORM}, 422, "missing_image"),
    ("a form of no bytes", {"content": b"", **FORM}, 422, "missing_image"),
    ("a form without its end", {"content": IMAGE_PART, **FORM}, 400, "malformed_body"),
    ("a form cut in the picture", {"content": IMAGE_PART[:400], **FORM}, 400, "malformed_body"),
    ("another field name", {"files": {"picture": JPEG}}, 422, "missing_image"),
    ("two pictures", {"files": [("image", JPEG), ("image", JPEG)]}, 422, "several_images"),
    ("a picture and a text", {"files": {"image": JPEG}, "data": {"image": "text"}}, 422, "several_images"),
    (
        "a form without boundary",
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
        400,
        "malformed_body",
    ),
    (
        "a boundary of 300 characters",
        {"content": IMAGE_PART, "headers": {"Content-Type": f"multipart/form-data; boundary={'b' * 300}"}},
        400,
        "malformed_body",
    ),
    ("a form that is none", {"content": b"this is not a form", **FORM}, 400, "malformed_body"),
    ("a part without a name", {"content": part("form-data", b"x") + END, **FORM}, 400, "malformed_body"),
    (
        "a part without a header",
        {"content": f"--{BOUNDARY}\r\n\r\nx\r\n".encode() + END, **FORM},
        400,
        "malformed_body",
    ),
    ("1500 fields", {"files": {"image": JPEG}, "data": {f"f{n}": "x" for n in range(1500)}}, 400, "malformed_body"),
    ("1500 files", {"files": [(f"f{n}", b"x") for n in range(1500)]}, 400, "malformed_body"),
    ("a text field of 1.5 MB", {"files": {"image": JPEG}, "data": {"note": "x" * 1_500_000}}, 400, "malformed_body"),
    ("5000 URL-encoded fields", {"data": {f"f{n}": "x" for n in range(5000)}}, 400, "malformed_body"),
    ("a URL-encoded form", {"data": {"image": "photo.jpg"}}, 422, "missing_image"),
    ("a URL-encoded field of 1.5 MB", {"data": {"image": "x" * 1_500_000}}, 400, "malformed_body"),
    (
        "bytes of no picture, as curl --data-binary sends them",
        {"content": bytes(100_000), "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        415,
        "not_an_image",
    ),
    ("20 MB and a byte, announced", {"content": JPEG + bytes(20_000_001 - len(JPEG))}, 413, "body_too_large"),
    ("20 MB and a byte, in chunks", {"content": lambda: slowly(bytes(20_000_001))}, 413, "body_too_large"),
    (
        "a form over 20 MB, in chunks",
        {"content": lambda: slowly(IMAGE_PART[:-2] + bytes(20_000_000)), **FORM},
        413,
        "body_too_large",
    ),
]


@pytest.mark.parametrize(("name", "request_options", "status", "code"), REQUESTS, ids=[r[0] for r in REQUESTS])
def test_a_request_without_one_picture_is_refused(
    name: str, request_options: dict[str, Any], status: int, code: str, town_server: Served
) -> None:
    check_problem(send(town_server, request_options), status, code)
    assert is_healthy(town_server), name


@pytest.mark.parametrize(
    "parameter",
    [
        "boundary*=undefined''x",
        "boundary*=a; boundary*0=b",
        f"boundary*{'9' * 5000}=a",
        'boundary="a\\b"',
        "boundary=ä",
    ],
    ids=lambda parameter: parameter[:30],
)
def test_a_form_whose_boundary_cannot_be_read_is_malformed(parameter: str, town_server: Served) -> None:
    headers = {b"Content-Type": f"multipart/form-data; {parameter}".encode("latin-1")}
    response = town_server.client.post("/localize", content=IMAGE_PART + END, headers=headers)
    check_problem(response, 400, "malformed_body")
    assert is_healthy(town_server)


@pytest.mark.parametrize("charset", ["undefined", "punycode", "idna", "utf-16", "zlib", "no-such"])
def test_the_charset_of_a_form_is_not_asked(charset: str, town_server: Served) -> None:
    """Python's codecs raise errors of their own, and Python keeps every name that it is asked for."""
    names_before = set(vars(encodings)["_cache"])
    note = part('form-data; name="\xff\xfe"', b"\xff\xfe")
    headers = {"Content-Type": f"{MULTIPART}; charset={charset * 100}"}
    for declared in (headers, {"Content-Type": f"{MULTIPART}; charset={charset}"}):
        response = town_server.client.post("/localize", content=note + IMAGE_PART + END, headers=declared)
        assert response.status_code == 200, response.text
    assert charset * 100 not in set(vars(encodings)["_cache"]) - names_before


def send(served: Served, request_options: dict[str, Any]) -> httpx.Response:
    options = dict(request_options)
    if callable(options.get("content")):
        options["content"] = options["content"]()
    return served.client.post("/localize", **options)


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
    head = client.head(path)
    assert head.content == b""
    if "GET" in allowed:
        got = client.get(path)
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(got.content)))
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
    else:
        assert (head.status_code, head.headers["Allow"]) == (405, allowed)
    assert client.options("/nothing").status_code == 404


def exchange(served: Served, request: bytes, timeout_s: float = 20) -> tuple[int, bytes]:
    """Sends bytes as they are; the status and the rest of the answer."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=timeout_s) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer or not _is_complete(answer):
            received = connection.recv(65_536)
            if not received:
                break
            answer += received
    return int(answer.split(b" ", 2)[1]), answer


def _is_complete(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return False


HEAD = b"POST /localize HTTP/1.1\r\nHost: localhost\r\n"


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
    with socket.create_connection(("127.0.0.1", town_server.port), timeout=20) as connection:
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
    with socket.create_connection(("127.0.0.1", town_server.port), timeout=20) as connection:
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


def test_a_head_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch, town: Town, serve: Serve) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT_S", 0.3)
    served = serve(town)
    status, answer = exchange(served, b"GET /health/live HTTP/1.1\r\nHost:")
    assert (status, b'"request_timeout"' in answer) == (408, True)
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as silent:
        assert silent.recv(100) == b""
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as kept:  # an upload may take longer
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


def wait_until(is_true: Callable[[], bool], timeout_s: float = 20) -> None:
    end = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < end, "did not become true in time"
        time.sleep(0.02)


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_rounds_of_bad_uploads_take_no_memory(town: Town, serve: Serve) -> None:
    served = serve(town)
    expected = Counter({status: 0 for *_, status, _ in BROKEN})
    expected.update(status for *_, status, _ in BROKEN)

    def go_round() -> Counter[int]:
        def post(content: bytes) -> int:
            return served.client.post("/localize", files={"image": content}).status_code

        with ThreadPoolExecutor(4) as pool:
            return Counter(pool.map(post, [content for _, _, content, _, _ in BROKEN]))

    for _ in range(3):  # caches of Pillow, allocator arenas of the threads
        assert go_round() == expected
    gc.collect()
    before = resident_bytes()
    for _ in range(6):
        assert go_round() == expected
    gc.collect()
    growth = resident_bytes() - before
    assert growth < 32_000_000, f"{growth / 1e6:.1f} MB more after {6 * len(BROKEN)} bad uploads"
    content = town.photos["100%.jpg"].read_bytes()
    assert served.client.post("/localize", content=content).json()["candidates"][0]["id"] == "100%.jpg"


def test_every_code_has_a_status_that_is_an_error() -> None:
    assert all(400 <= kind.status < 600 and kind.title for kind in PROBLEM_KINDS.values())
