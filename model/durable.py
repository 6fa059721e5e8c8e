"""Files that appear whole or not at all, and that are still there after a power cut.

A file is synced before it is renamed to its name, and a directory is synced after a name in it has changed.
"""

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


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a small file: whoever looks sees the old content or the new one, whole.

    Raises:
        OSError: The disk does not take it; nothing of it is left.
    """
    pending = pending_path(path)
    try:
        pending.write_bytes(content)
        publish(pending, path)
    except OSError:
        pending.unlink(missing_ok=True)
        raise


def pending_path(path: Path) -> Path:
    """What a small file is called while it is written; a process that is killed leaves it."""
    return path.with_name(f"{path.name}.pending")


def publish(unfinished: Path, final: Path) -> None:
    """Gives a finished file its name; what had that name before is replaced in the same instant.

    Args:
        unfinished: On the same file system as ``final``, closed.
        final: The name to appear.
    """
    sync(unfinished)
    rename_durably(unfinished, final)


def rename_durably(source: Path, target: Path) -> None:
    """Renames a file, or a directory with everything below it already synced, and makes the new name last."""
    source.replace(target)
    sync(target.parent)
    if source.parent != target.parent:
        sync(source.parent)


def sync(path: Path) -> None:
    """Waits until the bytes of a file, or the names in a directory, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """SHA-256 of the bytes of a file as 64 hex digits, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
