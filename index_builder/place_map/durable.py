"""Writing so that it is still there after a power cut, and never there by half.

A file is synced before it is renamed to its name, and a directory is synced after a name in it has changed.
"""

import hashlib
import os
from pathlib import Path

_PENDING_SUFFIX = ".pending"


def sync_file(path: Path) -> None:
    """Waits until the bytes of a file are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Waits until the names in a directory are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a small file: whoever looks sees the old content or the new one, whole."""
    pending = path.with_name(path.name + _PENDING_SUFFIX)
    with pending.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    rename_durably(pending, path)


def rename_durably(source: Path, target: Path) -> None:
    """Renames a file, or a directory with everything below it already synced, and makes the new name last."""
    source.rename(target)
    sync_directory(target.parent)
    if source.parent != target.parent:
        sync_directory(source.parent)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as 64 hex digits, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
