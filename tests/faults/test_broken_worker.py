"""A worker that dies or hangs, in a server in a process of its own: nobody waits for it, and the process ends."""

import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from model.geo import LatLon
from model.selavpr.initialisation import seeded_network
from tests.child_processes import Program
from tests.conftest import TINY_CONFIG
from tests.faults.broken_worker import break_when_told
from tests.faults.readiness import Readiness
from tests.service.conftest import Town, build_town
from tests.waiting import wait_until

PATIENCE_S = 60.0
STUCK_AFTER_S = 5.0  # more than a picture takes to decode, also where much else runs
NOT_READY_WITHIN_S = 2.0


@dataclass(frozen=True)
class Breakable:
    """Hold a running server.

    Attributes:
        process: The process of the server.
        url: Where it listens.
        faults: Where it is told to break.
    """

    process: Program
    url: str
    faults: Path

    def localize(self, picture: Path) -> httpx.Response:
        return httpx.post(f"{self.url}/localize", content=picture.read_bytes(), timeout=PATIENCE_S, trust_env=False)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    positions = {f"{number}.jpg": LatLon(55.7 + 0.001 * number, 13.2) for number in range(6)}
    folder = tmp_path_factory.mktemp("town")
    return build_town(folder, "town", seeded_network(TINY_CONFIG, seed=7), positions, first_seed=100)


@contextmanager
def serving(town: Town, faults: Path, port: int) -> Iterator[Breakable]:
    arguments = ("serve", "--map", town.map_path, "--port", port)
    environment = {"PLACEFIX_STUCK_AFTER_S": f"{STUCK_AFTER_S:g}"}
    hook = partial(break_when_told, faults)
    with Program(*arguments, output=faults / "log", environment=environment, prepare=hook) as process:
        yield Breakable(process, f"http://127.0.0.1:{port}", faults)


def wait_until_ready(server: Breakable, readiness: Readiness) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while readiness.status != 200:
        assert server.process.poll() is None, (server.faults / "log").read_text()
        assert time.monotonic() < deadline_s, "not ready in time"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(("fault", "shows_after_s"), [("killed", 0.0), ("hung", STUCK_AFTER_S)])
def test_broken_worker_is_told_of_and_ends_the_process(
    fault: str, shows_after_s: float, town: Town, tmp_path: Path
) -> None:
    port = free_port()
    picture = town.photos["2.jpg"]
    with serving(town, tmp_path, port) as server, Readiness(server.url) as readiness:
        wait_until_ready(server, readiness)
        assert server.localize(picture).status_code == 200
        (tmp_path / fault).touch()
        asked_at = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(server.localize, [picture] * 4))
        assert (server.process.wait(PATIENCE_S) or 0) > 0
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, "not_ready")] * 4
    # The fault comes after the asking, so this is the stricter way to count.
    assert readiness.not_ready_at(asked_at) - asked_at < shows_after_s + NOT_READY_WITHIN_S
    assert readiness.statuses(asked_at) in ([200, 503], [200, 503, 0], [200, 0])
    with serving(town, tmp_path, port) as server, Readiness(server.url) as readiness:
        wait_until_ready(server, readiness)
        answer = server.localize(picture)
        assert answer.status_code == 200, (answer.text, (tmp_path / "log").read_text())
        assert answer.json()["candidates"][0]["id"] == "2.jpg"
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE_S) == 0


def test_a_decoder_that_hangs_ends_the_process(town: Town, tmp_path: Path) -> None:
    with serving(town, tmp_path, free_port()) as server, Readiness(server.url) as readiness:
        wait_until_ready(server, readiness)
        (tmp_path / "decoder-hung").touch()
        answer = server.localize(town.photos["2.jpg"])
        assert (server.process.wait(PATIENCE_S) or 0) > 0
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert "decoder_stuck" in (tmp_path / "log").read_text()


def test_a_thread_that_hangs_does_not_keep_a_process_that_has_failed(town: Town, tmp_path: Path) -> None:
    with serving(town, tmp_path, free_port()) as server, Readiness(server.url) as readiness:
        wait_until_ready(server, readiness)
        (tmp_path / "thumbnail-hung").touch()
        with ThreadPoolExecutor(1) as pool:
            hangs = pool.submit(httpx.get, f"{server.url}/maps/town/places/2.jpg/thumbnail", timeout=PATIENCE_S)
            wait_until(lambda: not (tmp_path / "thumbnail-hung").exists())
            (tmp_path / "killed").touch()
            assert server.localize(town.photos["2.jpg"]).status_code == 503
            assert (server.process.wait(PATIENCE_S) or 0) > 0
            assert hangs.exception(PATIENCE_S) is not None or hangs.result().status_code >= 500
    assert "threads hang" in (tmp_path / "log").read_text()
