"""A reader's hold on a version, which keeps the version from being removed.

It is a shared lock on the manifest of the version; the operating system releases it when its owner dies. Nothing is
written, so a map on a read-only disk can be held.
"""

import fcntl
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class VersionHold:
    """Hold a version until it is released, or the last reference to this object is gone.

    A file system without locks allows all readers, and does not keep a version from being removed.

    Args:
        manifest_path: The manifest of the version.

    Raises:
        FileNotFoundError: The version has been removed, or is being removed.
    """

    def __init__(self, manifest_path: Path) -> None:
        descriptor = os.open(manifest_path, os.O_RDONLY | os.O_CLOEXEC)
        self.release = weakref.finalize(self, os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise FileNotFoundError(f"{manifest_path} is being removed") from None
        except OSError:  # no locks on this file system
            return


@contextmanager
def only_holder(manifest_path: Path) -> Iterator[bool]:
    """Keep readers from holding a version while the block runs.

    Yields:
        Whether no reader holds it; if one does, others can still begin to hold it.
    """
    descriptor = os.open(manifest_path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:  # no locks on this file system, so no holders
            pass
        yield True
    finally:
        os.close(descriptor)
