"""One limit on the bytes of all bodies that are in memory at once."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from model.errors import InvalidInput
from service.body_budget import BodyBudget
from service.errors import Overloaded
from service.settings import ServiceSettings, load_settings
from tests.service.asking import HEAD, IMAGE_PART, MULTIPART, check_problem, exchange
from tests.service.conftest import Serve, Served, Town
from tests.service.pictures import JPEG
from tests.service.test_overload import Gate, asking, metric
from tests.waiting import wait_until

LIMITS = {"max_upload_bytes": 60_000, "max_bytes_in_flight": 100_000}


@contextmanager
def holding(served: Served, announced: bytes, sent: bytes, held_bytes: int) -> Iterator[None]:
    """Make the server hold a body while the block lasts, whose rest does not come."""
    before = served.runtime.body_budget.held_bytes
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(HEAD + announced + b"\r\n\r\n" + sent)
        wait_until(lambda: served.runtime.body_budget.held_bytes == before + held_bytes)
        yield
    wait_until(lambda: served.runtime.body_budget.held_bytes == before)


def length(count: int) -> bytes:
    return b"Content-Length: %d" % count


def check_overloaded(served: Served, request: bytes) -> None:
    status, answer = exchange(served, request)
    assert status == 503
    assert b"retry-after: 1\r\n" in answer.lower()
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert problem["code"] == "overloaded"
    assert problem["detail"] == "bodies of 100000 bytes are being received already; try again in a moment"


def test_what_bodies_announce_together_is_limited(town: Town, serve: Serve) -> None:
    served = serve(town, **LIMITS)
    with holding(served, length(60_000), b"abc", 60_000):
        check_overloaded(served, HEAD + length(40_001) + b"\r\n\r\n")  # before a byte of it has come
        assert metric(served, 'placefix_rejected_total{reason="overloaded"}') == 1
        check_problem(served.client.post("/localize", content=bytes(40_000)), 415, "not_an_image")
        with holding(served, length(40_000), b"abc", 40_000):
            body = b'{"version": "000001"}'
            request = b"POST /maps/town/activate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            check_overloaded(served, request + length(len(body)) + b"\r\n\r\n" + body)
            assert served.client.get("/health/ready").status_code == 200
    assert served.client.post("/localize", content=JPEG).status_code == 200
    assert served.runtime.body_budget.held_bytes == 0


def test_a_body_that_announces_no_length_counts_as_it_comes(town: Town, serve: Serve) -> None:
    served = serve(town, **LIMITS)
    chunked = b"Transfer-Encoding: chunked"
    with (
        holding(served, length(60_000), b"abc", 60_000),
        holding(served, chunked, b"7530\r\n" + bytes(30_000) + b"\r\n", 30_000),
    ):
        check_overloaded(served, HEAD + chunked + b"\r\n\r\n2711\r\n" + bytes(10_001) + b"\r\n")
        status, _ = exchange(served, HEAD + chunked + b"\r\n\r\n2710\r\n" + bytes(10_000) + b"\r\n0\r\n\r\n")
        assert status == 415


def test_a_form_counts_with_all_its_parts(town: Town, serve: Serve) -> None:
    served = serve(town, **LIMITS)
    form = f"Content-Type: {MULTIPART}\r\nContent-Length: 60000".encode()
    with holding(served, form, IMAGE_PART, 60_000):
        check_overloaded(served, HEAD + length(50_000) + b"\r\n\r\n")


def test_a_body_is_held_until_its_picture_is_decoded(town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve(town)
    gate = Gate(served.runtime.engine, monkeypatch)
    with asking(served) as ask:
        answer = ask(JPEG)
        wait_until(lambda: gate.batches == [1])
        assert served.runtime.body_budget.held_bytes == 0
        gate.is_open.set()
        assert answer.result(60).status_code == 200


def test_a_body_that_is_refused_is_not_held(town: Town, serve: Serve) -> None:
    served = serve(town, **LIMITS)
    for content in (b"", b"no picture", bytes(60_001), iter([bytes(60_001)])):
        assert 400 <= served.client.post("/localize", content=content).status_code < 500
        assert served.runtime.body_budget.held_bytes == 0


def test_a_lease_grows_and_is_released_once() -> None:
    budget = BodyBudget(10)
    with budget.lease() as one, budget.lease() as other:
        one.grow_to(6)
        one.grow_to(3)  # three of the six that were announced
        other.grow_to(4)
        with pytest.raises(Overloaded, match="10 bytes"):
            other.grow_to(5)
        assert budget.held_bytes == 10
        one.release()
        one.release()
        assert budget.held_bytes == 4
    assert budget.held_bytes == 0


def test_the_limit_holds_the_largest_body() -> None:
    assert ServiceSettings().max_bytes_in_flight >= ServiceSettings().max_upload_bytes
    with pytest.raises(InvalidInput, match=r"max_bytes_in_flight: Input should be at least max_upload_bytes, .* 5000"):
        load_settings({"max_upload_bytes": 5000, "max_bytes_in_flight": 4999})
