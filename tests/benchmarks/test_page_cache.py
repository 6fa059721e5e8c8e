"""The pages of a file in memory are counted, and read again."""

import os
from pathlib import Path

from benchmarks.bandwidth import disk_bytes_per_s
from benchmarks.page_cache import forget


def test_what_is_in_memory_is_told_and_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(100_000))
    assert forget(file) == 1.0  # it was not written to the disk yet, so it stays
    assert file.read_bytes() == bytes(100_000)


def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with file.open("wb") as opened:
        opened.write(bytes(20_000_000))
        os.fsync(opened.fileno())
    assert 1e6 < disk_bytes_per_s(file) < 1e13
