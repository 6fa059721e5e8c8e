"""Read the recorded numbers of the reference implementation, and cut results down as the recordings are cut down."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model.weight_files import numpy_extras

FOLDER = Path(__file__).parent
RELEASED = FOLDER / "ckpt_official_like_numpy1.pth"
PICTURE = FOLDER / "preprocess_picture.png"

# These steps meet every phase of the operations that made the rows: a grid of 16 × 16 patches, up-convolutions from 16
# to 61 rows, and a resize from 480 to 224 rows.
PATCH_STEP, CELL_ROW_STEP, PIXEL_ROW_STEP = 5, 5, 6
PATCHES = 16 * 16
POSITION_CHANNELS = 4  # out of 16; a table of positions is resized channel by channel


def read_arrays(name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of ``name.npz`` by their names."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def cut_layer(name: str, output: NDArray[Any]) -> NDArray[Any]:
    """Return the part of a layer's whole output that is recorded.

    Args:
        name: The array's name in ``tiny224_io.npz``.
        output: Tokens ``(B, T, C)``, ``local`` ``(B, 61, 61, C)``, ``local_adapt_raw_NCHW`` ``(B, C, 61, 61)``, or
            one vector a picture ``(B, C)``, which is recorded whole.
    """
    if name == "local":
        return output[:, ::CELL_ROW_STEP]
    if name == "local_adapt_raw_NCHW":
        return output[:, :, ::CELL_ROW_STEP]
    if output.ndim == 3:
        first = output.shape[1] - PATCHES  # class and register tokens
        return np.concatenate([output[:, :first], output[:, first::PATCH_STEP]], axis=1)
    return output


def write_checkpoint(name: str, folder: Path) -> Path:
    """Write the weights of ``tiny224`` or ``tiny224reg4`` as a bare checkpoint, and return its path.

    Both are the weights of the released layout; ``tiny224reg4`` has register tokens, too.
    """
    with torch.serialization.safe_globals(numpy_extras.safe_globals()):
        state = dict(torch.load(RELEASED, weights_only=True)["model_state_dict"])
    if name == "tiny224reg4":
        state["module.backbone.register_tokens"] = torch.from_numpy(read_arrays("tiny224reg4_io")["register_tokens"])
    path = folder / f"{name}_ckpt.pth"
    torch.save({"model_state_dict": state}, path)
    return path
