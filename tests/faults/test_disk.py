"""A disk that is full, read-only, or takes no large file: a clear error, the map as it was; the same call goes on."""

import resource
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from index_builder.changes.prune import abandon_change
from model.encoder import Encoder
from model.errors import StorageError
from model.progress import SILENT
from tests.faults.map_state import MapState, check_good_and_alone, read_served
from tests.faults.operations import MAP, OPERATIONS, fresh_copy, perform, prepared, small_encoder
from tests.faults.small_disk import SmallDisk, mounted

WRITERS = ("build", "add", "update", "remove", "compact")


class At:
    """Call a function at the n-th event of a progress.

    Args:
        moment: From 1; 0: never.
        act: The function to call.
    """

    def __init__(self, moment: int, act: Callable[[], None]) -> None:
        self.calls = 0
        self._moment = moment
        self._act = act

    def started(self, total: int, finished: int) -> None:  # noqa: ARG002
        self._count()

    def advanced(self, count: int) -> None:  # noqa: ARG002
        self._count()

    def message(self, text: str) -> None:  # noqa: ARG002
        self._count()

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self._moment:
            self._act()


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return small_encoder()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted(tmp_path / "disk") as disk:
        yield disk


def moments_of(name: str, folder: Path, encoder: Encoder) -> tuple[int, MapState]:
    """Return the number of events of an undisturbed run, and the map after it."""
    map_dir = fresh_copy(folder, folder / "undisturbed")
    progress = At(0, lambda: None)
    perform(name, folder, map_dir, encoder, progress)
    return progress.calls, MapState.of(map_dir)


def check_full_disk(
    name: str, choose: Callable[[int], Sequence[int]], folder: Path, disk: SmallDisk, encoder: Encoder
) -> None:
    prepared(name, folder, encoder)
    total, after = moments_of(name, folder, encoder)
    before = read_served(folder / "before" / MAP)
    for moment in choose(total):
        map_dir = fresh_copy(folder, disk.path / f"{moment}")
        with pytest.raises(StorageError, match=r"No space left|MB free") as told:
            perform(name, folder, map_dir, encoder, At(moment, disk.fill))
        assert str(disk.path) in told.value.message
        assert read_served(map_dir) == before
        disk.make_room()
        perform(name, folder, map_dir, encoder)
        assert MapState.of(map_dir) == after
        check_good_and_alone(map_dir)
        shutil.rmtree(map_dir.parent)
    print(f"{name}: the disk was full at {len(choose(total))} of {total} moments")  # noqa: T201


@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_is_full_in_the_middle(name: str, tmp_path: Path, disk: SmallDisk, encoder: Encoder) -> None:
    check_full_disk(name, lambda total: [(total + 1) // 2], tmp_path / "scenario", disk, encoder)


@pytest.mark.faults
@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_is_full_at_any_moment(name: str, tmp_path: Path, disk: SmallDisk, encoder: Encoder) -> None:
    check_full_disk(name, lambda total: range(1, total + 1), tmp_path / "scenario", disk, encoder)


@pytest.mark.parametrize("name", ["build", "add", "update", "compact"])
def test_a_disk_that_takes_no_large_file(name: str, tmp_path: Path, encoder: Encoder) -> None:
    """Needs no rights: the process limits itself."""
    folder = prepared(name, tmp_path / "scenario", encoder)
    before, (_, after) = read_served(folder / "before" / MAP), moments_of(name, folder, encoder)
    map_dir = fresh_copy(folder, tmp_path / "trial")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, hard))  # a table has more
    try:
        with pytest.raises(StorageError, match="File too large"):
            perform(name, folder, map_dir, encoder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_served(map_dir) == before
    perform(name, folder, map_dir, encoder)
    assert MapState.of(map_dir) == after
    check_good_and_alone(map_dir)


def test_a_read_only_map_is_read_and_not_changed(tmp_path: Path, disk: SmallDisk, encoder: Encoder) -> None:
    for name in [name for name in OPERATIONS if name != "build"]:
        folder = prepared(name, tmp_path / name, encoder)
        map_dir = fresh_copy(folder, disk.path / name)
        before = MapState.of(map_dir)
        with disk.read_only():
            with pytest.raises(StorageError, match="Read-only file system"):
                perform(name, folder, map_dir, encoder, SILENT)
            with pytest.raises(StorageError, match="Read-only file system"):
                abandon_change(map_dir)
            assert read_served(map_dir) == read_served(folder / "before" / MAP)
        assert MapState.of(map_dir) == before
        check_good_and_alone(map_dir)
        perform(name, folder, map_dir, encoder, SILENT)
        check_good_and_alone(map_dir)
