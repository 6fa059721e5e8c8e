import gc
import os
from pathlib import Path

import numpy as np
import pytest

from place_map.errors import MapCorrupt
from place_map.row_file import RowFile

ROWS = np.arange(2 * 3 * 5, dtype=np.float16).reshape(5, 2, 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.save(tmp_path / "rows.npy", ROWS)
    return tmp_path / "rows.npy"


def test_rows_are_read_in_any_order(path: Path) -> None:
    file = RowFile(path, ROWS.shape, "float16")
    for row in (4, 0, 3):
        file.announce(row)
        out = np.empty((2, 3), np.float16)
        file.read(row, out)
        np.testing.assert_array_equal(out, ROWS[row])


def test_rows_of_nothing_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.empty((3, 0, 0), np.int8))
    file = RowFile(tmp_path / "rows.npy", (3, 0, 0), "int8")
    file.announce(2)
    file.read(2, np.empty((0, 0), np.int8))


def test_another_file_than_the_manifest_says_is_refused(path: Path) -> None:
    with pytest.raises(MapCorrupt, match=r"rows\.npy"):
        RowFile(path, ROWS.shape, "int8")
    with pytest.raises(MapCorrupt, match=r"none\.npy"):
        RowFile(path.with_name("none.npy"), ROWS.shape, "float16")


def test_a_file_that_is_cut_off_while_it_is_open_is_told(path: Path) -> None:
    """A mapped file would end the process."""
    file = RowFile(path, ROWS.shape, "float16")
    os.truncate(path, path.stat().st_size - 1)
    file.read(3, np.empty((2, 3), np.float16))
    with pytest.raises(MapCorrupt, match="ends within row 4"):
        file.read(4, np.empty((2, 3), np.float16))


def test_a_file_system_that_gives_a_part_at_a_time_is_no_damage(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.preadv

    def short(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        return real(descriptor, [buffers[0][:5]], offset)

    monkeypatch.setattr(os, "preadv", short)
    file = RowFile(path, ROWS.shape, "float16")
    out = np.empty((2, 3), np.float16)
    file.read(3, out)
    np.testing.assert_array_equal(out, ROWS[3])
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(MapCorrupt, match="ends within row 4"):
        file.read(4, out)


def test_the_file_is_let_go_with_its_last_holder(path: Path) -> None:
    def open_files() -> int:
        return sum(target == str(path) for target in map(_target, Path("/proc/self/fd").iterdir()))

    file = RowFile(path, ROWS.shape, "float16")
    assert open_files() == 1
    del file
    gc.collect()
    assert open_files() == 0


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # the descriptor of the listing itself
        return ""
