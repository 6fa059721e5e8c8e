"""A disk of a few megabytes, in memory, that can be filled, emptied and made read-only."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SIZE = "32m"
_BYTES_AT_A_TIME = 65_536


class SmallDisk:
    """Describe a mounted file system.

    Attributes:
        path: Where.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """Fill the file system, to the last byte."""
        with self._filler.open("ab", buffering=0) as file:
            size = _BYTES_AT_A_TIME
            while size:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2

    def make_room(self) -> None:
        """Free the room again."""
        self._filler.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Refuse changes while the block runs."""
        self._remount("ro")
        try:
            yield
        finally:
            self._remount("rw")

    def _remount(self, how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", self.path], check=True, capture_output=True)


@contextmanager
def mounted(path: Path) -> Iterator[SmallDisk]:
    """Mount a small disk while the block runs; skip the test where that is not allowed."""
    path.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)]
    try:
        told = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no command mount")
    if told.returncode != 0:
        pytest.skip(f"no small disk can be mounted: {told.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        # Lazily: the traceback of an error that a test has looked at keeps files of a map open.
        subprocess.run(["umount", "--lazy", path], check=True, capture_output=True)
