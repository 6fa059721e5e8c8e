"""Files that appear whole or not at all, and stay after a power cut."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(final: Path) -> Iterator[Path]:
    """Yields a path to write a file to, which becomes ``final`` if the block succeeds and vanishes if it does not.

    The folder is made if it is missing. Two writers do not meet before the end; the last one stays.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    unfinished = final.with_name(f".{final.name}.{secrets.token_hex(4)}.part")
    try:
        yield unfinished
        publish(unfinished, final)
    finally:
        unfinished.unlink(missing_ok=True)


def publish(unfinished: Path, final: Path) -> None:
    """Gives a finished file its name; what had that name before is replaced in the same instant.

    Args:
        unfinished: In the same folder as ``final``, closed.
        final: The name to appear.
    """
    _flush(unfinished)
    unfinished.replace(final)
    _flush(final.parent)


def file_sha256(path: Path) -> str:
    """SHA-256 of the bytes of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Waits until the contents of a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
