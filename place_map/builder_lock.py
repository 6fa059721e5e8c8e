"""A lock that allows one builder at a time; the operating system releases it when its owner dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from place_map.errors import MapBusy

LOCK_FILE = "lock"


@contextmanager
def builder_lock(directory: Path, doing: str = "building this map") -> Iterator[None]:
    """Hold the lock of a staging directory, and make the directory if necessary.

    Args:
        directory: The directory.
        doing: The work of its holder, for the message to another one.

    Raises:
        MapBusy: Another process holds it.
    """
    path = directory / LOCK_FILE
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                owner = os.pread(descriptor, 32, 0).decode("ascii", errors="replace").strip() or "unknown"
                raise MapBusy(
                    f"another process (number {owner}) is {doing} in {directory}; wait for it, or stop it"
                ) from error
            if not _is_same_file(descriptor, path):
                continue  # the owner removed the directory after we opened the file and before we locked it
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
            return
        finally:
            os.close(descriptor)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def staging_path(out: Path) -> Path:
    """Return the directory beside a map in which the map is built."""
    return out.parent / f".{out.name}.building"
