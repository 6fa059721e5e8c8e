"""Cut whole recordings down to those of this folder: ``python -m tests.golden.peers.select_recordings RECORDINGS``."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.golden.peers.recordings import FOLDER, read_arrays, read_recording

METHODS = (
    "cosplace_resnet18_512",
    "cosplace_resnet50_2048",
    "cosplace_vgg16_512",
    "gem_resnet50conv4_dvglb",
    "gem_resnet50conv5_dvglb_fc2048",
    "gem_resnet50_gsv",
    "mixvpr_4096",
    "mixvpr_512",
    "salad_dinov2b_8448",
    "megaloc_8448",
    "boq_dinov2b_12288",
    "boq_resnet50_16384",
    "netvlad_nanne",
    "netvlad_nanne_vladv2",
    "netvlad_matlab_32768",
    "netvlad_matlab_pca4096",
    "sfrs_embednetpca",
    "sfrs_embednet",
)
TWO_STAGE = ("transvpr_256", "r2former_256")
KEYPOINTS = "superpoint_superglue"
PATCHES = ("patchnetvlad_s_512", "patchnetvlad_p_4096")
_OUTPUTS = ("backbone_", "patch_", "token_", "desc_")
_OUTPUTS_OF_TWO_STAGES = ("global_", "tokens_", "local_", "attention_", "mask_", "pair_logits_")
_OUTPUTS_OF_KEYPOINTS = ("keypoints_xy_", "keypoint_scores_", "keypoint_descriptors_", "matches_", "matching_scores_")
_OUTPUTS_OF_PATCHES = ("global_", "patch")
_WHOLE_OF_PATCHES = ("mutual_", "indices_", "scores_", "rerank_", "opencv4.11_")
_WHOLE_OF_TWO_STAGES = (
    "mutual_thr0.02_",
    "score_thr0.02_",
    "opencv4.11_score_thr0.02_",
    "pair_probability_",
    "rerank_order_",
)
_OTHERS = ("preprocess", "heads_small_amplitude")


def select(recordings: Path) -> None:
    """Write the selection from a folder of whole recordings."""
    prefixes = (
        *((method, _OUTPUTS) for method in METHODS),
        *((method, _OUTPUTS_OF_TWO_STAGES) for method in TWO_STAGE),
        (KEYPOINTS, _OUTPUTS_OF_KEYPOINTS),
        *((method, _OUTPUTS_OF_PATCHES) for method in PATCHES),
    )
    for method, outputs in prefixes:
        recording = read_recording(method, recordings)
        kept = {name: values for name, values in recording.arrays.items() if name.startswith(outputs)}
        # Matches are judged whole: a part of them says nothing of a plane.
        if method in PATCHES:
            kept |= _whole(recordings / f"{method}.npz", _WHOLE_OF_PATCHES)
        if method in TWO_STAGE:
            kept |= _whole(recordings / f"{method}.npz", _WHOLE_OF_TWO_STAGES)
        np.savez_compressed(FOLDER / f"{method}.npz", allow_pickle=False, **kept)
        stated = json.loads((recordings / f"{method}.json").read_text("utf-8"))
        tensors = [(name, shape, *init) for name, shape, init in recording.tensors]
        written = {key: stated[key] for key in ("sources", "config", "input", "max_abs_fp32_minus_fp64")}
        rows = ",\n".join(json.dumps(tensor) for tensor in tensors)
        text = json.dumps(written, indent=1).removesuffix("\n}")
        (FOLDER / f"{method}.json").write_text(f'{text},\n "state_dict": [\n{rows}\n]\n}}\n', "utf-8")
    for name in _OTHERS:
        np.savez_compressed(FOLDER / f"{name}.npz", allow_pickle=False, **read_arrays(name, recordings))


def _whole(path: Path, prefixes: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Return arrays that are kept whole, cells as small numbers."""
    with np.load(path, allow_pickle=False) as file:
        found = {name: file[name] for name in file.files if name.startswith(prefixes)}
    return {name: values.astype(np.int16) if values.dtype.kind == "i" else values for name, values in found.items()}


if __name__ == "__main__":
    select(Path(sys.argv[1]))
