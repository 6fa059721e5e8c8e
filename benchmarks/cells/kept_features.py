"""Features of pictures, encoded once and kept in files, so that many ways of choosing cells are tried on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model.errors import InvalidInput
from model.fingerprint import fingerprint
from model.network import Network
from model.places import Place
from model.preprocess import open_for, preprocess
from model.progress import Progress
from model.selavpr.selavpr import SelaVPR
from model.starter.network import Starter

_BATCH = 8


@dataclass(frozen=True)
class KeptFeatures:
    """Hold the features of n pictures.

    Attributes:
        global_features: ``(n, D)`` float32 of length 1.
        local_features: ``(n, N, C)`` float16 of length 1, mapped from a file.
        lengths: ``(n, N)`` float32, the lengths of the local features before the network divides by them.
    """

    global_features: NDArray[np.float32]
    local_features: NDArray[np.float16]
    lengths: NDArray[np.float32]

    def local(self, row: int) -> Tensor:
        """Return the local features of a picture, ``(N, C)`` float32 of length 1."""
        return F.normalize(torch.from_numpy(self.local_features[row].astype(np.float32)), dim=-1)


def kept_features(folder: Path, places: Sequence[Place], network: Network, progress: Progress) -> KeptFeatures:
    """Read features from a folder, or encode pictures and keep their features there.

    Args:
        folder: The folder of these pictures and this network; it is made if it is not there.
        places: The pictures.
        network: A SelaVPR with local adaptation, or the starter.
        progress: The display, advanced for every picture.

    Raises:
        InvalidInput: The network is of another kind, or the folder has features of other pictures or of another
            network.
        ImageError: A picture cannot be read.
    """
    listing = folder / "pictures.txt"
    names = "".join(f"{name}\n" for name in (fingerprint(network), *(place.id for place in places)))
    progress.started(len(places), 0)
    if not listing.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _encode(folder, places, network, progress)
        listing.write_text(names, "utf-8")
    elif listing.read_text("utf-8") != names:
        raise InvalidInput(
            f"{folder} has the features of other pictures or of another network: name another folder with --keep"
        )
    progress.advanced(len(places))
    return KeptFeatures(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("globals", "locals", "lengths")))


def _encode(folder: Path, places: Sequence[Place], network: Network, progress: Progress) -> None:
    files: dict[str, Any] = {}
    preparation = network.preparation()
    for start in range(0, len(places), _BATCH):
        batch = places[start : start + _BATCH]
        images = torch.stack([preprocess(open_for(preparation, place.path), preparation) for place in batch])
        with torch.inference_mode():
            global_features, dense = _features(network, images)
        found = {
            "globals": global_features.numpy(),
            "locals": F.normalize(dense, dim=-1).half().numpy(),
            "lengths": dense.norm(dim=-1).numpy(),
        }
        for name, values in found.items():
            if name not in files:
                shape = (len(places), *values.shape[1:])
                files[name] = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", values.dtype, shape)
            files[name][start : start + len(values)] = values
        progress.message(f"{start + len(images):,} of {len(places):,} pictures are encoded")
    for file in files.values():
        file.flush()


def _features(network: Network, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return global features ``(B, D)`` of length 1, and local ones ``(B, N, C)`` with their own lengths."""
    if isinstance(network, SelaVPR) and network.local_adaptation is not None:
        tokens = network.backbone(images)
        dense = network.local_adaptation.upsample(tokens.patch_tokens, tokens.grid)
        return network.pool(tokens), dense.flatten(2).transpose(1, 2)
    if isinstance(network, Starter):
        config = network.config
        maps = network.trunk(images, {*config.global_blocks, config.local_block})
        size = (images.shape[2], images.shape[3])
        return network.read(maps, size).global_features, maps[config.local_block].flatten(2).transpose(1, 2)
    raise InvalidInput(f"cells of the family {network.family} have no lengths that this benchmark knows")
