"""People and attackers send bad bodies: each gets its own answer, and the server still works."""

import encodings
import gc
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.problems import PROBLEM_KINDS
from service.settings import ServiceSettings
from tests.service.asking import (
    BOUNDARY,
    END,
    IMAGE_PART,
    MULTIPART,
    check_problem,
    check_uncalibrated,
    is_healthy,
    part,
)
from tests.service.conftest import Serve, Served, Town
from tests.service.pictures import JPEG, broken_pictures, odd_pictures

BROKEN = list(broken_pictures())
ODD = list(odd_pictures())
FORM = {"headers": {"Content-Type": MULTIPART}}


def slowly(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 65_536):
        yield content[start : start + 65_536]


LARGEST = ServiceSettings().max_upload_bytes  # bytes of a body

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
    ("a picture and a text", {"files": {"image": JPEG}, "data": {"image": "text"}}, 422, "missing_image"),
    (
        "more pictures than are asked together",
        {"files": [("image", JPEG)] * 11, "data": {"together": "place"}},
        422,
        "several_images",
    ),
    (
        "a text among the pictures of a place",
        {"files": {"image": JPEG}, "data": {"image": "text", "together": "place"}},
        422,
        "missing_image",
    ),
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
    ("5000 URL-encoded fields", {"data": {f"f{n}": "x" for n in range(5000)}}, 422, "missing_image"),
    ("a URL-encoded form", {"data": {"image": "photo.jpg"}}, 422, "missing_image"),
    ("a URL-encoded field of 1.5 MB", {"data": {"image": "x" * 1_500_000}}, 422, "missing_image"),
    (
        "bytes of no picture, as curl --data-binary sends them",
        {"content": bytes(100_000), "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        415,
        "not_an_image",
    ),
    ("a byte too many, announced", {"content": JPEG + bytes(LARGEST + 1 - len(JPEG))}, 413, "body_too_large"),
    ("a byte too many, in chunks", {"content": lambda: slowly(bytes(LARGEST + 1))}, 413, "body_too_large"),
    (
        "a form that is too large, in chunks",
        {"content": lambda: slowly(IMAGE_PART[:-2] + bytes(LARGEST)), **FORM},
        413,
        "body_too_large",
    ),
]


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
    check_uncalibrated(response.json())


@pytest.mark.parametrize(("name", "request_options", "status", "code"), REQUESTS, ids=[r[0] for r in REQUESTS])
def test_a_request_without_one_picture_is_refused(
    name: str, request_options: dict[str, Any], status: int, code: str, town_server: Served
) -> None:
    check_problem(send(town_server, request_options), status, code)
    assert is_healthy(town_server), name


def send(served: Served, request_options: dict[str, Any]) -> httpx.Response:
    options = dict(request_options)
    if callable(options.get("content")):
        options["content"] = options["content"]()
    return served.client.post("/localize", **options)


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
        check_problem(response, 422, "invalid_parameter")  # nobody knows a field of that name
        response = town_server.client.post("/localize", content=IMAGE_PART + END, headers=declared)
        assert response.status_code == 200, response.text
    assert charset * 100 not in set(vars(encodings)["_cache"]) - names_before


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
