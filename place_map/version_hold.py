"""A reader's hold on a version: as long as it lives, the version is not removed.

It is a lock that readers share, on the manifest of the version, and that the operating system lets go of when its owner
dies. Nothing is written: a map on a read-only disk can be held.
"""

import fcntl
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class VersionHold:
    """Holds a version until it is released, or nobody holds this object any more.

    A file system without locks lets everybody read, and does not keep a version from being removed.

    Args:
        manifest_path: Of the version.

    Raises:
        FileNotFoundError: It has gone, or is being removed.
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
    """Keeps readers from beginning to hold a version while the block runs.

    Yields:
        Whether nobody holds it; if somebody does, nobody is kept from it.
    """
    descriptor = os.open(manifest_path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:  # no locks on this file system, and so no holders
            pass
        yield True
    finally:
        os.close(descriptor)
