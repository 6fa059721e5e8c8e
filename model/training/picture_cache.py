"""A cache of decoded pictures in memory, because every epoch needs the same pictures."""

from pathlib import Path
from threading import Lock

import torch
from torch import Tensor

from model.images import DEFAULT_LIMITS, ImageLimits
from model.preprocess import open_for, preprocess
from model.selavpr.selavpr import SelaVPR


def read_picture(path: Path, limits: ImageLimits = DEFAULT_LIMITS) -> Tensor:
    """Read a picture, ``(3, 224, 224)`` float32.

    Raises:
        ImageError: The picture cannot be read.
    """
    return preprocess(open_for(SelaVPR.needs, path, limits), SelaVPR.needs)


class PictureCache:
    """Read pictures, and keep the first ones that fit into memory.

    No picture is replaced by another: every epoch needs all pictures in a new order, so the picture used last is needed
    last. Several threads can read at once.
    """

    def __init__(
        self, limit_bytes: int, device: torch.device | None = None, limits: ImageLimits = DEFAULT_LIMITS
    ) -> None:
        """Begin empty.

        Args:
            limit_bytes: The limit of memory.
            device: The device of the memory; the CPU by default. Pictures that do not fit are on the CPU.
            limits: The limits on the size of a picture.
        """
        self._free_bytes = limit_bytes
        self._device = device or torch.device("cpu")
        self._limits = limits
        self._pictures: dict[Path, Tensor] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._pictures)

    def read(self, path: Path) -> Tensor:
        """Return a picture from memory or from its file; the caller must not change it.

        Raises:
            ImageError: The picture cannot be read.
        """
        kept = self._pictures.get(path)
        if kept is not None:
            return kept
        picture = read_picture(path, self._limits)
        with self._lock:
            if picture.nbytes <= self._free_bytes and path not in self._pictures:
                picture = picture.to(self._device)
                self._pictures[path] = picture
                self._free_bytes -= picture.nbytes
        return picture
