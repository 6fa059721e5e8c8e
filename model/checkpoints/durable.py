"""Files that appear whole or not at all, and stay after a power cut."""

import hashlib
import os
from pathlib import Path


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
