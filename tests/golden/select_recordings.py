"""Cut the whole recordings down to those of this folder: ``python -m tests.golden.select_recordings RECORDINGS``."""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from tests.golden.recordings import FOLDER, PICTURE, PIXEL_ROW_STEP, POSITION_CHANNELS, RELEASED, cut_layer

WHOLE = ("loss_one_match_fallback", "losses", "mnn_batch_rerank", "mnn_pairs")


def select(recordings: Path) -> None:
    """Write the selection from a folder of whole recordings."""
    shutil.copyfile(recordings / RELEASED.name, RELEASED)
    for name in WHOLE:
        _write(name, _read(recordings, name))
    tables = _read(recordings, "pos_embed_interp")
    _write("pos_embed_interp", {name: table[..., :POSITION_CHANNELS] for name, table in tables.items()})
    prepared = _read(recordings, "preprocess")
    Image.fromarray(prepared.pop("image_u8")).save(PICTURE, optimize=True)
    _write("preprocess", {name: picture[:, ::PIXEL_ROW_STEP] for name, picture in prepared.items()})
    weights = torch.load(recordings / "tiny224reg4_ckpt.pth", weights_only=True)["model_state_dict"]
    registers = {"register_tokens": weights["module.backbone.register_tokens"].numpy()}
    for name, extras in (("tiny224_io", {}), ("tiny224reg4_io", registers)):
        first = {layer: output[:1] for layer, output in _read(recordings, name).items()}
        _write(name, {layer: cut_layer(layer, output) for layer, output in first.items()} | extras)


def _read(recordings: Path, name: str) -> dict[str, NDArray[Any]]:
    with np.load(recordings / f"{name}.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def _write(name: str, arrays: dict[str, NDArray[Any]]) -> None:
    np.savez_compressed(FOLDER / f"{name}.npz", allow_pickle=False, **arrays)


if __name__ == "__main__":
    select(Path(sys.argv[1]))
