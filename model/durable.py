"""Files that appear completely or not at all, and survive a power cut.

A file is synced before it is renamed to its name, and a directory is synced after a name in it has changed.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(final: Path) -> Iterator[Path]:
    """Yield a path for a new file, which becomes ``final`` if the block succeeds and is removed if it fails.

    The folder is made if it is missing. Two writers use separate files; the last one to finish wins.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    unfinished = final.with_name(f".{final.name}.{secrets.token_hex(4)}.part")
    try:
        yield unfinished
        publish(unfinished, final)
    finally:
        unfinished.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file, so that readers see the old content or the new one completely.

    Raises:
        OSError: The file cannot be written; no part of it is left.
    """
    pending = pending_path(path)
    try:
        pending.write_bytes(content)
        publish(pending, path)
    except BaseException:  # a Ctrl-C, too
        pending.unlink(missing_ok=True)
        raise


def pending_path(path: Path) -> Path:
    """Return the name of a small file while it is written; a process that is killed leaves it."""
    return path.with_name(f"{path.name}.pending")


def publish(unfinished: Path, final: Path) -> None:
    """Rename a finished file; it replaces a file of the new name in the same instant.

    Args:
        unfinished: The closed file, on the same file system as ``final``.
        final: The new name.
    """
    sync(unfinished)
    rename_durably(unfinished, final)


def rename_durably(source: Path, target: Path) -> None:
    """Rename a file, or a directory with synced content, and make the new name durable."""
    source.replace(target)
    sync(target.parent)
    if source.parent != target.parent:
        sync(source.parent)


def remove_tree(path: Path) -> None:
    """Remove a directory in which others may still make files: under its old path they then find nothing."""
    gone = path.with_name(f"{path.name}.{secrets.token_hex(4)}.gone")
    path.rename(gone)
    shutil.rmtree(gone)


def sync(path: Path) -> None:
    """Wait until the bytes of a file, or the names in a directory, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the bytes of a file as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
