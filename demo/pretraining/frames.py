"""The pictures of pre-training in one file, cut into patches, so that the network can read some of them."""

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from model.durable import sha256_of, write_atomically, written_whole
from model.errors import InvalidInput
from model.images import open_image
from model.progress import Progress
from model.selavpr.selavpr import SelaVPR

PATCH_SIZE = 14
GRID = SelaVPR.needs.height // PATCH_SIZE
PATCHES = GRID**2
PATCH_VALUES = 3 * PATCH_SIZE**2
_CHUNK = 256  # number of pictures that are decoded at once
_COLUMNS = ("path", "street", "along_m", "heading", "place")


@dataclass(frozen=True)
class Frames:
    """Hold pictures of places.

    Attributes:
        patches: ``(n, 256, 588)`` uint8, memory-mapped; a patch is (3, 14, 14), channels first.
        street: ``(n,)`` int64, number of the street.
        along_m: ``(n,)`` float64, the distance along the street in metres.
        heading_deg: ``(n,)`` float64, the direction of the camera.
        place: ``(n,)`` int64; pictures of the same number show the same cell of a street in the same direction.
    """

    patches: NDArray[np.uint8]
    street: NDArray[np.int64]
    along_m: NDArray[np.float64]
    heading_deg: NDArray[np.float64]
    place: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.street)


def read_frames(table: Path, cache: Path, progress: Progress, decoders: int = 4) -> Frames:
    """Decode the pictures of a table into one file, or read the file if it exists.

    Args:
        table: The CSV file of the pre-training split (``python -m demo render``).
        cache: The folder of the file, which takes 150 KB per picture.
        progress: The display of decoded pictures.
        decoders: The number of threads.

    Raises:
        InvalidInput: The table lacks columns of the demo's tables.
        ImageError: A picture cannot be read.
    """
    rows = _read_table(table)
    stamp_path, patches_path = cache / "frames.json", cache / "frames.npy"
    stamp = json.dumps({"table": sha256_of(table), "pictures": len(rows)})
    if not (patches_path.is_file() and stamp_path.is_file() and stamp_path.read_text("utf-8") == stamp):
        cache.mkdir(parents=True, exist_ok=True)
        _write_patches([table.parent / row["path"] for row in rows], patches_path, progress, decoders)
        write_atomically(stamp_path, stamp.encode())
    _, place = np.unique([row["place"] for row in rows], return_inverse=True)
    _, street = np.unique([row["street"] for row in rows], return_inverse=True)
    return Frames(
        patches=np.load(patches_path, mmap_mode="r"),
        street=street.astype(np.int64),
        along_m=np.array([float(row["along_m"]) for row in rows]),
        heading_deg=np.array([float(row["heading"]) for row in rows]),
        place=place.astype(np.int64),
    )


def cut_into_patches(image: Image.Image) -> NDArray[np.uint8]:
    """Return a picture as ``(256, 588)`` uint8, resized to the network's input size."""
    height, width = SelaVPR.needs.size
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))  # (224, 224, 3)
    cut = pixels.reshape(GRID, PATCH_SIZE, GRID, PATCH_SIZE, 3).transpose(0, 2, 4, 1, 3)
    return cut.reshape(PATCHES, PATCH_VALUES)


def as_tensor(frames: Frames, device: torch.device) -> Tensor:
    """Return the patches on the device of the work: in memory on a GPU, mapped from the disk on a CPU."""
    if device.type == "cpu":
        # A copy-on-write mapping, because torch warns about read-only memory.
        return torch.from_numpy(np.load(frames.patches.filename, mmap_mode="c"))  # type: ignore[attr-defined]
    whole = torch.empty(frames.patches.shape, dtype=torch.uint8, device=device)
    for first in range(0, len(frames), 4 * _CHUNK):
        whole[first : first + 4 * _CHUNK] = torch.from_numpy(np.array(frames.patches[first : first + 4 * _CHUNK]))
    return whole


def _read_table(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise InvalidInput(
            f"{table} cannot be read ({error.strerror}); render it first: python -m demo render --split pretrain"
        ) from error
    missing = [name for name in _COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise InvalidInput(
            f"{table} has no column {missing[0]}, or no rows; it is not a table of python -m demo render"
        )
    return rows


def _write_patches(paths: list[Path], target: Path, progress: Progress, decoders: int) -> None:
    progress.started(len(paths), 0)
    with written_whole(target) as unfinished, unfinished.open("wb") as file, ThreadPoolExecutor(decoders) as threads:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (len(paths), PATCHES, PATCH_VALUES)}
        )
        for first in range(0, len(paths), _CHUNK):
            chunk = paths[first : first + _CHUNK]
            for patches in threads.map(lambda path: cut_into_patches(open_image(path)), chunk):
                file.write(patches.tobytes())
            progress.advanced(len(chunk))
