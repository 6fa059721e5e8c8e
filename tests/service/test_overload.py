"""Too much, too slow, broken in the device: encoders are held back, everything else is real."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
import torch

from model.errors import ModelOutputInvalid
from service.encoded_query import EncodedQuery
from service.engine import Engine, Query
from service.security_headers import SECURITY_HEADERS
from tests.child_processes import Program
from tests.service.asking import HEAD
from tests.service.conftest import Serve, Served, Town
from tests.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]


class Gate:
    """Hold back the encoder of a running server."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_open = threading.Event()
        self.batches: list[int] = []
        self.before_encoding: Callable[[Sequence[Query]], None] = lambda _queries: None
        self._encode = engine.encode
        monkeypatch.setattr(engine, "encode", self.encode)

    def encode(self, queries: Sequence[Query]) -> list[EncodedQuery]:
        self.batches.append(len(queries))
        assert self.is_open.wait(60)
        self.before_encoding(queries)
        return self._encode(queries)


@contextmanager
def asking(served: Served) -> Iterator[Callable[[bytes], "Future[httpx.Response]"]]:
    """Ask from threads, each with its own connection."""
    with ThreadPoolExecutor(32) as pool:

        def ask(content: bytes) -> httpx.Response:
            with httpx.Client(base_url=served.client.base_url, timeout=60) as client:
                return client.post("/localize", content=content)

        yield lambda content: pool.submit(ask, content)


def metric(served: Served, line: str) -> float:
    for found in served.client.get("/metrics").text.splitlines():
        if found.startswith(f"{line} "):
            return float(found.rsplit(" ", 1)[1])
    return 0.0


def is_metric(served: Served, line: str, value: float) -> bool:
    return metric(served, line) == value


def test_beyond_the_queue_requests_are_refused_at_once_and_the_admitted_ones_answered(
    town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(town, queue_size=3, max_batch_size=2)
    gate = Gate(served.runtime.engine, monkeypatch)
    ids = list(town.photos)
    with asking(served) as ask:
        admitted = [ask(town.photos[ids[0]].read_bytes())]
        wait_until(lambda: gate.batches == [1])
        admitted += [ask(town.photos[place_id].read_bytes()) for place_id in ids[1:4]]
        wait_until(lambda: metric(served, "placefix_queue_depth") == 3)
        for _ in range(5):
            refused = served.client.post(
                "/localize", content=b"is not even read", headers={"X-Request-Id": "one-of-many"}
            )
            assert refused.status_code == 503
            assert refused.headers["Retry-After"] == "1"
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert refused.headers["X-Request-Id"] == "one-of-many"
            assert all(refused.headers[name] == value for name, value in SECURITY_HEADERS.items())
            assert refused.json() == {
                "type": "urn:placefix:problem:overloaded",
                "title": "Overloaded",
                "status": 503,
                "detail": "3 pictures wait already; try again in a moment",
                "code": "overloaded",
                "request_id": "one-of-many",
            }
        assert served.client.get("/health/ready").status_code == 200
        assert metric(served, 'placefix_rejected_total{reason="overloaded"}') == 5
        assert metric(served, 'placefix_requests_total{route="/localize",status="503"}') == 5
        assert metric(served, "placefix_in_flight_requests") == 4
        gate.is_open.set()
        answers = [future.result(60).json() for future in admitted]
    assert [answer["candidates"][0]["id"] for answer in answers] == ids[:4]
    assert gate.batches == [1, 2, 1]
    assert answers[1]["timings_ms"]["queue"] > 0
    assert metric(served, "placefix_queue_depth") == 0
    assert metric(served, "placefix_in_flight_requests") == 0


def test_more_uploads_at_a_time_than_allowed_are_refused(town: Town, serve: Serve) -> None:
    served = serve(town, max_in_flight=2)
    half = HEAD + b"Content-Length: 5000\r\n\r\nabc"
    with (
        socket.create_connection(("127.0.0.1", served.port)) as first,
        socket.create_connection(("127.0.0.1", served.port)) as second,
    ):
        first.sendall(half)
        second.sendall(half)
        wait_until(lambda: metric(served, "placefix_in_flight_requests") == 2)
        assert served.client.post("/localize", content=b"x").json()["code"] == "overloaded"
        assert served.client.get("/health/live").status_code == 200
    wait_until(lambda: metric(served, "placefix_in_flight_requests") == 0)
    assert served.client.post("/localize", content=b"x").status_code == 415


def test_a_request_beyond_its_deadline_is_told_why(town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve(town, deadline_s=0.5)
    gate = Gate(served.runtime.engine, monkeypatch)
    content = town.photos["100%.jpg"].read_bytes()
    with asking(served) as ask:
        first = ask(content)
        wait_until(lambda: gate.batches == [1])
        second = ask(content)
        response = first.result(60)
        assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")
        assert "0.5 seconds" in response.json()["detail"]
        response = second.result(60)  # never reached the device: it was not too slow, there was too much
        assert (response.status_code, response.json()["code"]) == (503, "overloaded")
        assert response.headers["Retry-After"]
        gate.is_open.set()
        wait_until(lambda: metric(served, 'placefix_dropped_total{reason="deadline"}') == 1)
    assert gate.batches == [1]
    assert served.client.post("/localize", content=content).status_code == 200


def test_a_client_that_leaves_the_queue_never_reaches_the_device(
    town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(town)
    gate = Gate(served.runtime.engine, monkeypatch)
    content = town.photos["100%.jpg"].read_bytes()
    with asking(served) as ask:
        kept = ask(content)
        wait_until(lambda: gate.batches == [1])
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.sendall(HEAD + f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
            wait_until(lambda: metric(served, "placefix_queue_depth") == 1)
        wait_until(lambda: metric(served, 'placefix_requests_total{route="/localize",status="499"}') == 1)
        gate.is_open.set()
        assert kept.result(60).status_code == 200
    wait_until(lambda: metric(served, 'placefix_dropped_total{reason="client_gone"}') == 1)
    assert gate.batches == [1]


def test_an_item_that_the_network_cannot_encode_fails_alone(
    town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(town)
    gate = Gate(served.runtime.engine, monkeypatch)
    poisoned: list[torch.Tensor] = []

    def refuse_poison(queries: Sequence[Query]) -> None:
        if any(query.image is poison for query in queries for poison in poisoned):
            raise ModelOutputInvalid("NaN at /srv/secret/path")
        if len(queries) == 3:
            poisoned.append(queries[1].image)
            raise ModelOutputInvalid("NaN at /srv/secret/path")

    gate.before_encoding = refuse_poison
    ids = list(town.photos)
    with asking(served) as ask:
        futures = [ask(town.photos[ids[0]].read_bytes())]
        wait_until(lambda: gate.batches == [1])
        for number, place_id in enumerate(ids[1:4], start=1):
            futures.append(ask(town.photos[place_id].read_bytes()))
            wait_until(partial(is_metric, served, "placefix_queue_depth", number))
        gate.is_open.set()
        responses = [future.result(60) for future in futures]
    assert [response.status_code for response in responses] == [200, 200, 500, 200]
    assert [responses[n].json()["candidates"][0]["id"] for n in (0, 1, 3)] == [ids[0], ids[1], ids[3]]
    assert responses[2].json()["code"] == "model_output_invalid"
    assert "secret" not in responses[2].text
    assert gate.batches == [1, 3, 1, 1, 1]


def test_something_unexpected_is_an_internal_error_that_says_nothing(
    town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    served = serve(town)
    gate = Gate(served.runtime.engine, monkeypatch)
    gate.is_open.set()

    def fail(_queries: Sequence[Query]) -> None:
        raise RuntimeError("password in /srv/secret/path")

    gate.before_encoding = fail
    content = town.photos["100%.jpg"].read_bytes()
    response = served.client.post("/localize", content=content, headers={"X-Request-Id": "find-me"})
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "secret" not in response.text
    assert "find-me" in response.text
    assert metric(served, 'placefix_requests_total{route="/localize",status="500"}') == 1
    gate.before_encoding = lambda _queries: None
    assert served.client.post("/localize", content=content).status_code == 200
    assert "/srv/secret/path" in caplog.text


def test_a_dead_worker_fails_what_waits_and_the_service_is_not_ready(
    town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(town)
    has_failed = threading.Event()
    monkeypatch.setattr(served.runtime, "_on_failure", has_failed.set)
    gate = Gate(served.runtime.engine, monkeypatch)

    def die(_queries: Sequence[Query]) -> None:
        raise torch.AcceleratorError("an illegal memory access was encountered")

    gate.before_encoding = die
    content = town.photos["100%.jpg"].read_bytes()
    with asking(served) as ask:
        futures = [ask(content)]
        wait_until(lambda: gate.batches == [1])
        futures += [ask(content) for _ in range(3)]
        wait_until(lambda: metric(served, "placefix_queue_depth") == 3)
        gate.is_open.set()
        for future in futures:
            assert (future.result(60).status_code, future.result().json()["code"]) == (503, "not_ready")
    assert has_failed.wait(20)
    assert isinstance(served.runtime.failure, torch.AcceleratorError)
    assert served.client.get("/health/ready").status_code == 503
    assert served.client.get("/health/live").status_code == 200
    assert metric(served, "placefix_ready") == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_server_finishes_what_is_in_flight_and_exits_with_success(
    number: signal.Signals, town: Town, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    content, log = town.photos["100%.jpg"].read_bytes(), tmp_path / "log"
    arguments = ("serve", "--map", town.map_path, "--port", port)
    with Program(*arguments, output=log, environment={"PLACEFIX_PROT": "1"}) as process:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_until(lambda: is_ready(client))
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                head = HEAD + f"Content-Length: {len(content)}\r\n\r\n".encode()
                connection.sendall(head + content[:500])
                wait_until(lambda: "placefix_in_flight_requests 1.0" in client.get("/metrics").text)
                process.send_signal(number)
                time.sleep(0.3)
                connection.sendall(content[500:])
                assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        assert process.wait(60) == 0
    logged = log.read_text()
    assert "Traceback" not in logged
    assert "did you mean PLACEFIX_PORT?" in logged


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False
