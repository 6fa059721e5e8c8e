"""Bodies that hold a picture in a form that is not read: the reason in plain words, and what to do instead."""

import base64
import bz2
import gzip
import json
import lzma
from typing import Any

import pytest

from tests.service.asking import BOUNDARY, END, IMAGE_PART, MULTIPART, check_problem, part
from tests.service.conftest import Served
from tests.service.pictures import AVIF, JPEG, PNG, WEBP

TEXT = base64.b64encode(JPEG)
URI = b"data:image/jpeg;base64," + TEXT
URL_ENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
AS_JSON = {"Content-Type": "application/json"}

FORM = {"Content-Type": MULTIPART}


def as_document(content: Any, headers: dict[str, str]) -> dict[str, Any]:
    return {"content": json.dumps(content).replace("/", r"\/"), "headers": headers}


def as_field(content: bytes) -> dict[str, Any]:
    return {"content": part('form-data; name="image"', content) + END, "headers": FORM}


def large(content: bytes) -> bytes:
    return base64.b64encode(content + bytes(300_000))


MISSING, NONE = (422, "missing_image"), (415, "not_an_image")
BASE64: list[tuple[str, dict[str, Any], tuple[int, str]]] = [
    ("a document", {"json": {"image": TEXT.decode()}}, MISSING),
    ("a document with a data URI", {"json": {"photo": URI.decode(), "map": "town"}}, MISSING),
    ("a document with slashes escaped", as_document([TEXT.decode()], AS_JSON), MISSING),
    ("a document declared as a form", as_document({"image": TEXT.decode()}, URL_ENCODED), NONE),
    ("a URL-encoded form", {"data": {"image": TEXT.decode()}}, MISSING),
    ("a URL-encoded form of a large picture", {"data": {"image": large(JPEG).decode()}}, MISSING),
    ("a URL-encoded data URI", {"data": {"image": URI.decode()}}, MISSING),
    ("a field of a form", as_field(TEXT), MISSING),
    ("a long field of a form", as_field(large(JPEG)), MISSING),
    ("a data URI in a field", as_field(URI), MISSING),
    ("a file of a form", {"files": {"image": ("a.txt", TEXT)}}, NONE),
    ("the whole body", {"content": TEXT}, NONE),
    ("in lines", {"content": base64.encodebytes(JPEG), "headers": {"Content-Type": "image/jpeg"}}, NONE),
    ("for addresses", {"content": base64.urlsafe_b64encode(WEBP)}, NONE),
    ("a data URI", {"content": URI}, NONE),
    ("a PNG", {"content": base64.b64encode(PNG)}, NONE),
    ("an AVIF", {"content": base64.b64encode(AVIF)}, NONE),
]
OTHER_TEXT = [
    b"a" * 5000,
    base64.b64encode(bytes(4000)),
    b'{"token": "' + b"abcd" * 20 + b'"}',
    b"image=" + b"x" * 200,
    b"%%%" * 50,
]


@pytest.mark.parametrize(("name", "options", "expected"), BASE64, ids=[each[0] for each in BASE64])
def test_base64_is_told_to_be_decoded(
    name: str, options: dict[str, Any], expected: tuple[int, str], town_server: Served
) -> None:
    detail = check_problem(town_server.client.post("/localize", **options), *expected)["detail"]
    assert "base64" in detail, name
    assert "decode it" in detail


@pytest.mark.parametrize(
    "content",
    [
        b"a" * 5000,
        base64.b64encode(bytes(4000)),
        b'{"token": "' + b"abcd" * 20 + b'"}',
        b"image=" + b"x" * 200,
        b"%%%" * 50,
    ],
)
def test_other_text_is_not_taken_for_base64(content: bytes, town_server: Served) -> None:
    for headers in ({}, URL_ENCODED, AS_JSON):
        response = town_server.client.post("/localize", content=content, headers=headers)
        assert response.status_code in {415, 422}
        assert "base64" not in response.text


@pytest.mark.parametrize(
    ("coding", "content"),
    [("gzip", gzip.compress(JPEG)), ("bzip2", bz2.compress(JPEG)), ("xz", lzma.compress(JPEG))],
)
def test_a_compressed_picture_is_told_to_be_sent_as_it_is(coding: str, content: bytes, town_server: Served) -> None:
    for options in (
        {"content": content},
        {"content": content, "headers": {"Content-Type": "image/jpeg", "Content-Encoding": coding}},
        {"files": {"image": content}},
    ):
        detail = check_problem(town_server.client.post("/localize", **options), 415, "not_an_image")["detail"]
        assert f"compressed ({coding})" in detail
        assert "send the picture as it is" in detail


@pytest.mark.parametrize("coding", ["br", "gzip", "deflate"])
def test_what_the_head_says_of_compression_is_told(coding: str, town_server: Served) -> None:
    headers = {"Content-Encoding": coding, "Content-Type": "image/jpeg"}
    response = town_server.client.post("/localize", content=b"\x1b\x03unreadable", headers=headers)
    assert f"compressed ({coding})" in check_problem(response, 415, "not_an_image")["detail"]
    headers = {"Content-Encoding": coding, "Content-Type": MULTIPART}
    form = gzip.compress(IMAGE_PART + END)
    detail = check_problem(town_server.client.post("/localize", content=form, headers=headers), 400, "malformed_body")
    assert f"compressed ({coding})" in detail["detail"]


def test_a_picture_that_is_only_said_to_be_compressed_is_answered(town_server: Served) -> None:
    for coding in ("identity", "gzip"):
        headers = {"Content-Encoding": coding}
        assert town_server.client.post("/localize", content=JPEG, headers=headers).status_code == 200


def typed(disposition: str, media_type: str) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: {media_type}\r\n\r\n"
    return head.encode() + JPEG + b"\r\n"


@pytest.mark.parametrize(
    "content",
    [
        typed('form-data; name="image"', "image/jpeg"),
        typed("form-data; name=image", "Image/JPEG; x=y"),
        typed('form-data; name="image"', "application/octet-stream"),
        part("form-data; name=image; filename*=UTF-8''stra%C3%9Fe.jpg", JPEG),
        part("form-data; name=\"image\" ;FileName*0*=UTF-8''a; filename*1*=b", JPEG),
    ],
    ids=["a type", "a type written otherwise", "bytes", "an extended name", "an extended name in parts"],
)
def test_a_file_without_a_plain_name_is_a_file(content: bytes, town_server: Served) -> None:
    response = town_server.client.post("/localize", content=content + END, headers={"Content-Type": MULTIPART})
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    "content",
    [
        typed('form-data; name="image"', "text/plain"),
        part('form-data; name="image"; x="; filename*=y"', JPEG),
        part('form-data; name="image"; x="\\"; filename*=y"', JPEG),
        part('form-data; name="image"; x="; filename*=y', JPEG),
    ],
)
def test_a_text_field_is_none(content: bytes, town_server: Served) -> None:
    response = town_server.client.post("/localize", content=content + END, headers={"Content-Type": MULTIPART})
    assert "is a text field" in check_problem(response, 422, "missing_image")["detail"]
