"""A process that is stopped before its n-th step on the disk: a file opened for writing, a name made, moved or removed.

Python reports each by an audit event. The hook cannot be taken away again, so it is for child processes only.
"""

import os
import sys
from pathlib import Path
from signal import Signals

_CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class DiskSteps:
    """Count the steps of this process below a folder.

    Args:
        folder: Steps elsewhere, as when Python caches a module, do not count.
        stop_before: The step, from 1, before which the process gets a signal; None: it gets none.
        signal_number: Which.
    """

    def __init__(self, folder: Path, stop_before: int | None, signal_number: Signals) -> None:
        self.count = 0
        self._folder = os.fspath(folder)
        self._stop_before = stop_before
        self._signal_number = signal_number
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._is_step(event, arguments):
            return
        self.count += 1
        if self.count == self._stop_before:
            os.kill(os.getpid(), self._signal_number)

    def _is_step(self, event: str, arguments: tuple[object, ...]) -> bool:
        if event == "open":
            path, _, flags = arguments
            return isinstance(flags, int) and bool(flags & _WRITES) and self._is_inside(path)
        if event not in _CHANGES:
            return False
        # shutil.rmtree gives names below a directory that it has open.
        return self._is_inside(arguments[0]) or (event in {"os.remove", "os.rmdir"} and arguments[-1] != -1)

    def _is_inside(self, path: object) -> bool:
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self._folder)
