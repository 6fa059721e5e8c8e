"""Work that hangs anywhere on the way of a query ends readiness, and the service: nobody waits for it for ever."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from place_map.errors import MapCorrupt
from service.comparer import Comparer
from service.engine import Engine
from service.errors import DecoderStuck, DeviceStuck, ServiceError
from service.localization import Candidate
from service.watchdog import Watchdog
from tests.clock import FakeClock
from tests.service.conftest import Serve, Served, Town
from tests.waiting import wait_until

RERANKED = {"rerank": True, "shortlist": 2}


class Hanging:
    """Make each call hang, until the test is over."""

    def __init__(self) -> None:
        self.calls = 0
        self._may_go_on = threading.Event()

    def __call__(self, *_: object, **__: object) -> Any:
        self.calls += 1
        assert self._may_go_on.wait(60)
        raise LookupError("it has come back after all")

    def end(self) -> None:
        self._may_go_on.set()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    hanging = Hanging()
    yield hanging
    hanging.end()


def watch_by(served: Served, monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Make the watchdog look at a clock that the test moves."""
    clock = FakeClock()
    monkeypatch.setattr(served.runtime._watchdog, "_clock", clock)
    return clock


def check_given_up(served: Served, kind: type[ServiceError], waiting: "list[Future[httpx.Response]]") -> None:
    for future in waiting:
        response = future.result(60)
        assert (response.status_code, response.json()["code"]) == (503, "not_ready")
        assert response.headers["Retry-After"]
    assert type(served.runtime.failure) is kind
    assert "no progress for 60 seconds" in served.runtime.failure.message
    response = served.client.get("/health/ready")
    assert (response.status_code, response.json()["code"]) == (503, "not_ready")
    assert served.client.get("/health/live").status_code == 200
    assert served.client.post("/localize", content=b"x").status_code == 503
    assert "placefix_ready 0.0" in served.client.get("/metrics").text


def test_a_decoder_that_hangs_ends_readiness_and_the_service(
    town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch, hanging: Hanging
) -> None:
    served = serve(town, decode_threads=1)
    has_failed = threading.Event()
    monkeypatch.setattr(served.runtime, "_on_failure", has_failed.set)
    clock = watch_by(served, monkeypatch)
    monkeypatch.setattr("service.decoding.decode_query", hanging)
    content = town.photos["100%.jpg"].read_bytes()
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(ask, served, content) for _ in range(3)]
        wait_until(lambda: hanging.calls == 1 and served.runtime.queue.in_flight == 3)
        clock.now = 59
        assert served.runtime._watchdog.find_stuck() is None
        assert served.client.get("/health/ready").status_code == 200
        clock.now = 61
        check_given_up(served, DecoderStuck, waiting)
    assert has_failed.wait(60)
    assert hanging.calls == 1  # the pictures that waited were not decoded


def ask(served: Served, content: bytes) -> httpx.Response:
    with httpx.Client(base_url=served.url, timeout=60) as client:
        return client.post("/localize", content=content, params=RERANKED)


def activate(served: Served) -> httpx.Response:
    with httpx.Client(base_url=served.url, timeout=60) as client:
        return client.post("/maps/town/activate", json={"version": "000001"})


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Engine, "encode"),
        (Comparer, "_gather"),  # reads local features, as from a share that does not answer
        (Candidate, "first"),  # reads the places
    ],
)
def test_a_device_that_hangs_ends_readiness_and_the_service(
    owner: type, name: str, town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch, hanging: Hanging
) -> None:
    served = serve(town)
    clock = watch_by(served, monkeypatch)
    monkeypatch.setattr(owner, name, hanging)
    content = town.photos["100%.jpg"].read_bytes()
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(ask, served, content) for _ in range(2)]
        wait_until(lambda: hanging.calls == 1 and served.runtime.queue.in_flight == 2)
        clock.now = 61
        check_given_up(served, DeviceStuck, waiting)


def test_a_version_that_hangs_on_its_way_to_the_device_ends_the_service(
    town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch, hanging: Hanging
) -> None:
    served = serve(town)
    clock = watch_by(served, monkeypatch)
    monkeypatch.setattr(served.runtime.engine, "bring_in", hanging)
    with served.runtime.engine.maps.reading("town") as version:
        version.damage = MapCorrupt("found to be damaged")  # so that it is loaded again
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(activate, served)]
        wait_until(lambda: hanging.calls == 1)
        clock.now = 61
        check_given_up(served, DeviceStuck, waiting)


def test_work_that_gets_on_or_has_ended_is_not_stuck() -> None:
    clock = FakeClock()
    watchdog = Watchdog(10, clock)
    with watchdog.watching(DeviceStuck, "the device") as beat, watchdog.watching(DecoderStuck, "a decoder"):
        clock.now = 10
        assert watchdog.find_stuck() is None
        beat()
        clock.now = 11
        stuck = watchdog.find_stuck()
        assert type(stuck) is DecoderStuck
        assert stuck.message == "a decoder has made no progress for 10 seconds"
    with watchdog.watching(DeviceStuck, "the device"):
        clock.now = 21
        assert watchdog.find_stuck() is None
    clock.now = 100
    assert watchdog.find_stuck() is None
