"""The command line, with a worker that breaks when it is told to.

``python broken_worker.py DIRECTORY ARGUMENTS``: a file in the directory that is named after a fault is taken away
before the next batch is encoded, and the fault happens then, once.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from placefix.__main__ import main
from service.engine import Engine, Query
from service.localizer import EncodedQuery

_UNTIL_OTHERS_WAIT_S = 0.3


def _die() -> None:
    """The worker dies, as of an error of the device."""
    raise torch.AcceleratorError("an illegal memory access was encountered")


def _hang() -> None:
    """The worker goes on for ever, and gets nowhere."""
    threading.Event().wait()


def _kill() -> None:
    """The whole process dies, as for want of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


_FAULTS = {"killed": _die, "hung": _hang, "process-killed": _kill}


def _break_when_told(directory: Path) -> None:
    encode = Engine.encode

    def encode_or_break(self: Engine, items: Sequence[Query]) -> list[EncodedQuery]:
        for name, happen in _FAULTS.items():
            if (told := directory / name).exists():
                told.unlink()
                time.sleep(_UNTIL_OTHERS_WAIT_S)
                happen()
        return encode(self, items)

    Engine.encode = encode_or_break  # type: ignore[method-assign]


if __name__ == "__main__":
    _break_when_told(Path(sys.argv.pop(1)))
    main()
