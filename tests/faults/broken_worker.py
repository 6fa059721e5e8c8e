"""The command line, with a worker that breaks when it is told to.

``python broken_worker.py DIRECTORY ARGUMENTS``: a file in the directory that is named after a fault is taken away
before the next batch is encoded, the next picture is decoded or the next thumbnail is read, and the fault happens then,
once.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from model.images import ImageLimits
from model.preprocess import Preparation
from place_map.reader import PlaceMap
from placefix.__main__ import main
from service import decoding
from service.encoded_query import EncodedQuery
from service.engine import Engine, Query

_UNTIL_OTHERS_WAIT_S = 0.3


def _die() -> None:
    """End the worker, as an error of the device does."""
    raise torch.AcceleratorError("an illegal memory access was encountered")


def _hang() -> None:
    """Keep the worker busy for ever, without progress."""
    threading.Event().wait()


def _kill() -> None:
    """End the whole process, as a lack of memory does."""
    os.kill(os.getpid(), signal.SIGKILL)


_FAULTS = {"killed": _die, "hung": _hang, "process-killed": _kill}


def _is_told(directory: Path, fault: str) -> bool:
    told = (directory / fault).exists()
    if told:
        (directory / fault).unlink()
    return told


def break_when_told(directory: Path) -> None:
    encode, decode_query, thumbnail = Engine.encode, decoding.decode_query, PlaceMap.thumbnail

    def encode_or_break(self: Engine, items: Sequence[Query]) -> list[EncodedQuery]:
        for name, happen in _FAULTS.items():
            if _is_told(directory, name):
                time.sleep(_UNTIL_OTHERS_WAIT_S)
                happen()
        return encode(self, items)

    def decode_or_hang(source: Path | bytes, limits: ImageLimits, preparation: Preparation) -> Tensor:
        if _is_told(directory, "decoder-hung"):
            _hang()
        return decode_query(source, limits, preparation)

    def read_or_hang(self: PlaceMap, row: int) -> bytes | None:
        if _is_told(directory, "thumbnail-hung"):
            _hang()
        return thumbnail(self, row)

    Engine.encode = encode_or_break  # type: ignore[method-assign]
    PlaceMap.thumbnail = read_or_hang  # type: ignore[method-assign]
    decoding.decode_query = decode_or_hang


if __name__ == "__main__":
    break_when_told(Path(sys.argv.pop(1)))
    main()
