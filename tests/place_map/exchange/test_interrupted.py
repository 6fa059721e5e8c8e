"""kill -9 of a push and of a fetch, full disks, and an origin that is cut off; the same call then completes."""

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from signal import SIGKILL
from typing import TYPE_CHECKING

import pytest

from index_builder.verify import verify_map
from model.errors import StorageError
from place_map.errors import OriginError
from place_map.exchange.fetch import fetch_version
from place_map.exchange.object_store import ObjectStoreOrigin
from place_map.exchange.opening import open_origin
from place_map.exchange.push import push_version
from place_map.versions import read_current
from tests.child_processes import child_context
from tests.faults.disk_steps import DiskSteps
from tests.faults.map_state import MapState
from tests.faults.small_disk import SmallDisk, mounted
from tests.faults.test_disk import At
from tests.place_map.exchange.origins import CopyMap

if TYPE_CHECKING:
    from obstore.store import RetryConfig

SOME_STEPS = 3
PATIENCE_S = 120


def _push(town: Path, origin: Path) -> None:
    push_version(town, open_origin(str(origin)))


def _fetch(town: Path, origin: Path) -> None:
    fetch_version(open_origin(str(origin)), town)


def _work(run: Callable[[Path, Path], None], town: Path, origin: Path, watched: Path, stop_before: int) -> None:
    DiskSteps(watched, stop_before, SIGKILL)
    run(town, origin)


def killed(run: Callable[[Path, Path], None], town: Path, origin: Path, watched: Path, stop_before: int) -> bool:
    """Return whether a child was killed before this step on the disk; else it has ended by itself."""
    process = child_context().Process(target=_work, args=(run, town, origin, watched, stop_before))
    process.start()
    process.join(PATIENCE_S)
    assert process.exitcode in (0, -SIGKILL)
    return process.exitcode == -SIGKILL


def check_killed_pushes(steps: Iterator[int], town: Path, folder: Path, served: str) -> None:
    for number, step in enumerate(steps):
        origin, there = folder / f"{number}" / "origin", folder / f"{number}" / "there" / "town"
        push_version(town, open_origin(str(origin)), version="1")
        if not killed(_push, town, origin, origin, step):
            return
        fetch_version(open_origin(str(origin)), there)
        assert read_current(there).version in ("000001", served)
        assert verify_map(there).problems == ()
        _push(town, origin)
        _fetch(there, origin)
        assert MapState.of(there).files.items() <= MapState.of(town).files.items()
        assert read_current(there).version == served
        assert {entry.name for entry in origin.iterdir()} == {"CURRENT", "segments", "versions"}


def check_killed_fetches(steps: Iterator[int], town: Path, folder: Path) -> None:
    origin = folder / "origin"
    for version in ("1", "2"):
        push_version(town, open_origin(str(origin)), version=version)
    for number, step in enumerate(steps):
        there = folder / f"{number}" / "town"
        fetch_version(open_origin(str(origin)), there, version="1")
        if not killed(_fetch, there, origin, there.parent, step):
            return
        assert read_current(there).version in ("000001", "000002")
        assert verify_map(there).problems == ()
        _fetch(there, origin)
        assert MapState.of(there) == MapState.of(town)
        assert {entry.name for entry in there.parent.iterdir()} == {"town", ".town.cache"}
        assert not list((there.parent / ".town.cache").rglob("*.part"))


def test_a_push_is_killed(copy: CopyMap, tmp_path: Path) -> None:
    check_killed_pushes(iter(Random("push").sample(range(1, 30), SOME_STEPS)), copy("left"), tmp_path, "000002")


def test_a_fetch_is_killed(copy: CopyMap, tmp_path: Path) -> None:
    check_killed_fetches(iter(Random("fetch").sample(range(1, 30), SOME_STEPS)), copy("left"), tmp_path)


@pytest.mark.faults
def test_a_push_is_killed_before_every_step(copy: CopyMap, tmp_path: Path) -> None:
    check_killed_pushes(iter(range(1, 10_000)), copy("left"), tmp_path, "000002")


@pytest.mark.faults
def test_a_fetch_is_killed_before_every_step(copy: CopyMap, tmp_path: Path) -> None:
    check_killed_fetches(iter(range(1, 10_000)), copy("left"), tmp_path)


def test_a_first_fetch_is_killed(copy: CopyMap, tmp_path: Path) -> None:
    town, origin = copy("left"), tmp_path / "origin"
    push_version(town, open_origin(str(origin)))
    for step in Random("first").sample(range(5, 40), SOME_STEPS):
        there = tmp_path / f"{step}" / "town"
        assert killed(_fetch, there, origin, there.parent, step)
        if there.exists():
            assert verify_map(there).problems == ()
        _fetch(there, origin)
        assert verify_map(there).problems == ()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted(tmp_path / "disk") as disk:
        yield disk


def test_a_disk_that_is_full_in_the_middle(copy: CopyMap, disk: SmallDisk) -> None:
    """Keep the files that have arrived."""
    town = copy("left")
    origin, there = disk.path / "origin", disk.path / "town"
    for moment in (2, 5):
        with pytest.raises(StorageError, match=f"{origin} cannot be written to: No space left"):
            push_version(town, open_origin(str(origin)), progress=At(moment, disk.fill))
        disk.make_room()
    push_version(town, open_origin(str(origin)))
    for moment in (2, 5):
        with pytest.raises(StorageError, match=rf"the map cannot be written: No space left.*{there}"):
            fetch_version(open_origin(str(origin)), there, progress=At(moment, disk.fill))
        disk.make_room()
        assert not there.exists()
    fetch_version(open_origin(str(origin)), there)
    assert verify_map(there).problems == ()


def test_a_map_that_does_not_fit(
    copy: CopyMap, tmp_path: Path, disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Segments that no version lists go first; if that is not enough, they stay."""
    town, origin, there = copy("left"), tmp_path / "origin", disk.path / "town"
    with monkeypatch.context() as patch:
        patch.setattr("place_map.exchange.directory.shutil.disk_usage", lambda _: FakeUsage(1000))
        with pytest.raises(StorageError, match=r"origin has room for 1,000 bytes, and [0-9,]+ are to come"):
            push_version(town, open_origin(str(origin)))
    push_version(town, open_origin(str(origin)))
    unlisted = disk.path / ".town.cache" / "segments" / "000009-0123456789ab" / "locals.npy"
    unlisted.parent.mkdir(parents=True)
    unlisted.write_bytes(bytes(50_000))
    total = fetch_version(open_origin(str(origin)), there, is_trial=True).bytes
    monkeypatch.setattr("place_map.exchange.cache.shutil.disk_usage", lambda _: FakeUsage(total - 60_000))
    with pytest.raises(StorageError, match=r"has room for [0-9,]+ bytes, 50,000 more without the segments"):
        fetch_version(open_origin(str(origin)), there)
    assert unlisted.exists()
    monkeypatch.setattr("place_map.exchange.cache.shutil.disk_usage", lambda _: FakeUsage(total - 50_000))
    fetch_version(open_origin(str(origin)), there)
    assert not unlisted.exists()
    assert verify_map(there).problems == ()


class FakeUsage:
    """Hold the room of a disk."""

    def __init__(self, free: int) -> None:
        self.free = free


@contextmanager
def relayed(target: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Pass connections on to a server; yield the address, and a function that cuts them and refuses new ones."""
    port = int(target.rpartition(":")[2])
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def pass_on(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            connections.extend((client, server))
            other = {client: server, server: client}
            with suppress(OSError):
                while True:
                    for ready in select.select(list(other), [], [])[0]:
                        if not (content := ready.recv(65_536)):
                            return
                        other[ready].sendall(content)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=pass_on, args=(listener.accept()[0],), daemon=True).start()

    def cut() -> None:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", cut
    finally:
        with suppress(OSError):
            cut()


@pytest.mark.cluster
def test_an_origin_that_is_cut_off(
    copy: CopyMap, tmp_path: Path, s3_settings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refuse connections in the middle of a push, then in the middle of a fetch, from then on."""
    town, there, url = copy("left"), tmp_path / "there" / "town", f"s3://maps/{tmp_path.name}"
    retries: RetryConfig = {"max_retries": 1, "retry_timeout": timedelta(seconds=2)}

    def cut_off(run: Callable[[ObjectStoreOrigin, At], object]) -> None:
        with relayed(s3_settings) as (address, cut), monkeypatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", address)
            with pytest.raises(OriginError, match=rf"{url}/.*the same command continues"):
                run(ObjectStoreOrigin.open(url, retries), At(4, cut))

    cut_off(lambda origin, progress: push_version(town, origin, progress=progress))
    assert ObjectStoreOrigin.open(url).read_current() is None
    push_version(town, ObjectStoreOrigin.open(url))
    cut_off(lambda origin, progress: fetch_version(origin, there, progress=progress))
    assert not there.exists()
    fetch_version(ObjectStoreOrigin.open(url), there)
    assert verify_map(there).problems == ()
