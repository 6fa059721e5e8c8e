"""A small real map, built by the real builder, and real servers in threads."""

import io
import logging
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
import uvicorn

from benchmarks.browser import NAMES, Browser, Tab, find_chromium, started_browser
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.read import read_source
from model.encoder import Encoder
from model.geo import LatLon
from model.selavpr.initialisation import seeded_network
from model.selavpr.selavpr import SelaVPR
from model.weights import save_network
from service.app import create_app
from service.logs import configure_logging
from service.runtime import Runtime
from service.samples import Sample
from service.server import make_config
from service.settings import ServiceSettings
from tests import calibrations
from tests.conftest import TINY_CONFIG, write_photo
from tests.logs import logging_restored
from tests.waiting import PATIENCE_S, wait_until


@dataclass(frozen=True)
class Town:
    """Hold a collection and its map.

    Attributes:
        photos: Picture id → file.
        positions: Picture id → position where it was taken.
        weights: The network's file, which the map names.
        map_path: The map.
    """

    photos: dict[str, Path]
    positions: dict[str, LatLon]
    weights: Path
    map_path: Path


def build_town(
    folder: Path, name: str, network: SelaVPR, positions: dict[str, LatLon], first_seed: int, index: str = "Flat"
) -> Town:
    weights = folder / "network.safetensors"
    if not weights.exists():
        save_network(network, weights)
    photos = {
        place_id: write_photo(
            folder / name / place_id, first_seed + number, position, heading_deg=10.0 * number if number else None
        )
        for number, (place_id, position) in enumerate(positions.items())
    }
    map_path = folder / "maps" / name
    options = BuildOptions(batch_size=4, segment_size=5, index=index)
    build_map(read_source(folder / name), Encoder(network), map_path, options, weights_path=weights)
    return Town(photos, positions, weights, map_path)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Make twelve pictures in three segments; ids with folders, spaces and other alphabets."""
    ids = [f"a street/{number}.jpg" for number in range(8)] + ["ä ö/ñ 1.jpg", "100%.jpg", "a+b&c.jpg", "x#\ny.jpg"]
    positions = {place_id: LatLon(55.7 + 0.001 * n, 13.2 - 0.002 * n) for n, place_id in enumerate(ids)}
    return build_town(
        tmp_path_factory.mktemp("town"), "town", seeded_network(TINY_CONFIG, seed=7), positions, first_seed=100
    )


@pytest.fixture(scope="session")
def village(town: Town) -> Town:
    """Make a second map of the same network: three other pictures, south and west."""
    positions = {f"{number}.jpg": LatLon(-33.9, -70.6 + 0.01 * number) for number in range(3)}
    return build_town(town.weights.parent, "village", seeded_network(TINY_CONFIG, seed=7), positions, first_seed=200)


CONFIDENCES = {"localized": 0.98, "uncertain": 0.6, "not_found": 0.1}


@pytest.fixture(scope="session")
def judged_towns(town: Town, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Town]:
    """Copy the town once for each status, which names the copy and is the status of all its answers."""
    folder = tmp_path_factory.mktemp("judged")
    copies = {
        status: replace(town, map_path=Path(shutil.copytree(town.map_path, folder / status)))
        for status in (*CONFIDENCES, "uncalibrated")
    }
    for status, confidence in CONFIDENCES.items():
        calibrations.give(copies[status].map_path, calibrations.calibration(confidence))
    return copies


class HasClient(Protocol):
    """Hold a client that is bound to a running server, wherever that runs."""

    @property
    def client(self) -> httpx.Client: ...


@dataclass(frozen=True)
class Served:
    """Hold a running server.

    Attributes:
        client: A client bound to its address.
        runtime: The runtime inside the server.
        server: The server of uvicorn, to stop it.
        port: The port on which it listens.
    """

    client: httpx.Client
    runtime: Runtime
    server: uvicorn.Server
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until_ready(self) -> None:
        wait_until(self._is_ready_or_failed)
        assert self.runtime.failure is None, self.runtime.failure

    def _is_ready_or_failed(self) -> bool:
        # Not over a connection that is kept: the server may close it just when the next request comes.
        ready = self.client.get("/health/ready", headers={"Connection": "close"})
        return ready.status_code == 200 or self.runtime.failure is not None


@contextmanager
def serving(
    settings: ServiceSettings,
    *,
    samples: Sequence[Sample] = (),
    prepare: Callable[[Runtime], None] | None = None,
    port: int = 0,
) -> Iterator[Served]:
    """Serve over a real socket from a thread, until the block ends; on any free port, or again on an earlier one."""
    app = create_app(settings, offered=samples)
    if prepare is not None:
        prepare(app.state.runtime)
    server = uvicorn.Server(make_config(app, settings))
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        port = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started or not thread.is_alive())
            assert thread.is_alive()
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                yield Served(client, app.state.runtime, server, port)
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


Serve = Callable[..., Served]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that stop when the test ends; yield once they are ready."""
    with ExitStack() as stack:

        def start(*maps: Town, **settings: Any) -> Served:
            paths = tuple(town.map_path for town in maps)
            served = stack.enter_context(serving(ServiceSettings(maps=paths, **settings)))
            served.wait_until_ready()
            return served

        yield start


@pytest.fixture(scope="session")
def town_server(town: Town) -> Iterator[Served]:
    """Start one server of the town for all tests that change nothing in it."""
    with serving(ServiceSettings(maps=(town.map_path,))) as served:
        served.wait_until_ready()
        yield served


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if find_chromium() is None:
        pytest.skip(f"there is no browser: none of {', '.join(NAMES)} is installed")
    with started_browser(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    with browser.opened_tab() as opened:
        yield opened


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Collect the log, as JSON, one line for each event."""
    stream = io.StringIO()
    with logging_restored():
        configure_logging("json", "info", stream)
        monkeypatch.setattr(logging.getLogger("httpx"), "level", logging.WARNING)  # the client's own log
        yield stream
