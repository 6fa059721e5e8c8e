"""Features of a list of pictures as one ``.npz`` file, for scripts that use the network without a map."""

import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.durable import written_whole
from model.encoder import Encoder
from model.errors import StorageError
from model.images import DEFAULT_LIMITS, ImageLimits
from model.preprocess import Preparation, open_for, preprocess


def write_features(
    paths: Sequence[Path],
    encoder: Encoder,
    out: Path,
    *,
    batch_size: int,
    on_progress: Callable[[int], None],
    limits: ImageLimits = DEFAULT_LIMITS,
) -> None:
    """Encode pictures, and write their features to a NumPy archive, which appears only when it is whole.

    The archive holds ``paths`` ``(n,)`` strings, ``global_features`` ``(n, D)`` and ``local_features`` ``(n, N, C)``
    float32, and ``local_extras`` ``(n, N, E)`` if the network has any. Local features are written batch by batch:
    memory holds one batch of them.

    Args:
        paths: The pictures, in the order of the result.
        encoder: The network.
        out: The path of the archive; an older one is replaced.
        batch_size: Pictures in one forward pass.
        on_progress: The function that is called with the number of newly encoded pictures.
        limits: The limits on pictures.

    Raises:
        ImageError: A picture cannot be read; nothing is written then.
        StorageError: The archive cannot be written; an older one stays.
    """
    try:
        with written_whole(out) as unfinished:
            _write_archive(unfinished, paths, encoder, batch_size, on_progress, limits)
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror}") from error


def _write_archive(
    path: Path,
    pictures: Sequence[Path],
    encoder: Encoder,
    batch_size: int,
    on_progress: Callable[[int], None],
    limits: ImageLimits,
) -> None:
    cells = encoder.local_grid[0] * encoder.local_grid[1]
    shape = (len(pictures), cells, encoder.local_dim)
    global_features: list[NDArray[np.float32]] = []
    extras: list[NDArray[np.float32]] = []
    load = partial(_load, encoder.preparation, limits)
    with zipfile.ZipFile(path, "w") as archive, ThreadPoolExecutor() as decoders:
        with archive.open("local_features.npy", "w", force_zip64=True) as entry:
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(entry, header)
            for start in range(0, len(pictures), batch_size):
                batch = pictures[start : start + batch_size]
                images = torch.stack(list(decoders.map(load, batch)))
                features = encoder.encode(images).to("cpu")
                entry.write(features.local_features.contiguous().numpy().data)
                global_features.append(features.global_features.numpy())
                if features.local_extras is not None:
                    extras.append(features.local_extras.numpy())
                on_progress(len(batch))
        _write_array(archive, "global_features.npy", np.concatenate(global_features))
        if encoder.local_extras:
            _write_array(archive, "local_extras.npy", np.concatenate(extras))
        _write_array(archive, "paths.npy", np.array([str(picture) for picture in pictures]))


def _load(preparation: Preparation, limits: ImageLimits, picture: Path) -> Tensor:
    return preprocess(open_for(preparation, picture, limits), preparation)


def _write_array(archive: zipfile.ZipFile, name: str, array: NDArray[np.generic]) -> None:
    with archive.open(name, "w", force_zip64=True) as entry:
        np.lib.format.write_array(entry, array, allow_pickle=False)
