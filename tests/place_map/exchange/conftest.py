"""A map of two versions, two maps that diverge from its first one, and an origin of each kind."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from obstore.store import LocalStore, MemoryStore, S3Store

from index_builder.build import build_map
from index_builder.changes.add import add_pictures
from model.encoder import Encoder
from place_map.exchange.directory import DirectoryOrigin
from tests.faults.operations import MAP, small_encoder
from tests.index_builder.map_factory import SMALL, photo_listing
from tests.place_map.exchange.origins import CopyMap, Place


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return small_encoder()


@pytest.fixture(scope="session")
def maps(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    """Make three maps: ``first`` has a version of two segments, ``left`` and ``right`` have a second version, each with
    a third segment of its own.
    """
    folder = tmp_path_factory.mktemp("maps")
    build_map(photo_listing(folder / "photos", 6), encoder, folder / "first" / MAP, SMALL)
    for side in ("left", "right"):
        shutil.copytree(folder / "first", folder / side)
        add_pictures(folder / side / MAP, photo_listing(folder / side / "more", 3), encoder, SMALL, prefix=f"{side}/")
    return folder


@pytest.fixture
def copy(maps: Path, tmp_path: Path) -> CopyMap:
    """Copy one of the maps, to be changed."""

    def copied(name: str) -> Path:
        return Path(shutil.copytree(maps / name / MAP, tmp_path / name / MAP))

    return copied


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Start a server that speaks the protocol of S3, and yield its address."""
    program = shutil.which("moto_server")
    if program is None:
        pytest.skip("needs an S3 server, and there is no moto_server: make cluster")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert server.poll() is None
            try:
                httpx.put(f"{address}/maps").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                break
        yield address
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def s3_settings(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set the variables of a client of the server, and return its address."""
    settings = {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "REGION": "us-east-1", "ENDPOINT_URL": s3_server}
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return s3_server


def place_of(kind: str, request: pytest.FixtureRequest) -> Place:
    name = uuid4().hex
    if kind == "directory":
        path = request.getfixturevalue("tmp_path") / name
        DirectoryOrigin(path)
        return Place(kind, str(path), LocalStore(path, mkdir=True))
    if kind == "memory":
        return Place(kind, f"memory://{name}", MemoryStore())
    request.getfixturevalue("s3_settings")
    client = S3Store("maps", prefix=name, client_options={"allow_http": True}, retry_config={"max_retries": 1})
    return Place(kind, f"s3://maps/{name}", client)


S3 = pytest.param("s3", marks=pytest.mark.cluster)


@pytest.fixture(params=["directory", "memory", S3])
def place(request: pytest.FixtureRequest) -> Place:
    """Return an origin of each kind."""
    return place_of(request.param, request)


@pytest.fixture(params=["memory", S3])
def object_place(request: pytest.FixtureRequest) -> Place:
    """Return an origin that several publishers reach at once."""
    return place_of(request.param, request)
