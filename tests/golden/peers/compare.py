"""Compare every network and re-ranker with its recording, and write the table of docs/systems.md.

``python -m tests.golden.peers.compare [RECORDINGS]`` writes ``benchmarks/results/systems_golden.json``, method by
method, and continues after an interruption; ``python -m benchmarks performance`` puts it into the document. With the
folder of whole recordings all of their numbers are compared, without it those of this folder. Remove the file to
compare again.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.result_file import write_result
from benchmarks.systems.lines import count_lines
from model.descriptors.patchnetvlad import PatchNetVLAD
from tests.golden.peers.keypoints import keypoint_differences, make_superglue
from tests.golden.peers.networks import Difference, differences, make_network
from tests.golden.peers.patches import patch_differences
from tests.golden.peers.recordings import FOLDER, read_recording
from tests.golden.peers.select_recordings import KEYPOINTS, METHODS, PATCHES, TWO_STAGE
from tests.golden.peers.two_stage import rerank_differences, two_stage_differences

RESULT = Path("benchmarks/results/systems_golden.json")

TITLES = {
    "cosplace_resnet18_512": "CosPlace, ResNet18, 512",
    "cosplace_resnet50_2048": "CosPlace, ResNet50, 2048",
    "cosplace_vgg16_512": "CosPlace, VGG16, 512",
    "gem_resnet50conv4_dvglb": "GeM of the benchmark, third stage",
    "gem_resnet50conv5_dvglb_fc2048": "GeM of the benchmark, with a linear layer",
    "gem_resnet50_gsv": "GeM of GSV-Cities",
    "mixvpr_4096": "MixVPR, 4096",
    "mixvpr_512": "MixVPR, 512",
    "salad_dinov2b_8448": "SALAD",
    "megaloc_8448": "MegaLoc",
    "boq_dinov2b_12288": "BoQ, DINOv2",
    "boq_resnet50_16384": "BoQ, ResNet50",
    "netvlad_nanne": "NetVLAD of pytorch-NetVlad",
    "netvlad_nanne_vladv2": "the same with a bias",
    "netvlad_matlab_32768": "NetVLAD of its authors, 32768",
    "netvlad_matlab_pca4096": "NetVLAD of its authors, 4096",
    "sfrs_embednetpca": "SFRS, 4096",
    "sfrs_embednet": "SFRS without whitening",
    "patchnetvlad_s_512": "Patch-NetVLAD-s",
    "patchnetvlad_p_4096": "Patch-NetVLAD-p",
    "transvpr_256": "TransVPR",
    "r2former_256": "R2Former",
    "superpoint_superglue": "SuperPoint + SuperGlue",
}
"""The names for people of all recorded methods, in the order of the table."""

_OUTPUTS = {
    "desc": "descriptor",
    "global": "descriptor",
    "backbone": "backbone, relative",
    "patch": "patch tokens, relative",
    "token": "first token, relative",
    "tokens_all_layers": "tokens of all layers",
    "attention_maps_Q": "attention",
    "local": "features of cells",
    "patches": "rows of patches",
    "pair_logits": "logits of pairs",
    "pair_logits_swapped": "logits of pairs, swapped",
    "inliers": "inliers, relative",
    "places": "places of keypoints, pixels",
    "scores": "scores of keypoints",
    "descriptors": "descriptors of keypoints",
    "matches": "share of other matches",
    "match scores": "scores of matches",
}


def compare(folder: Path, out: Path) -> bool:
    """Write the differences of all methods; return whether all are within their bounds."""
    methods: dict[str, Any] = json.loads(out.read_text("utf-8"))["methods"] if out.is_file() else {}
    for method, title in TITLES.items():
        if method not in methods:
            methods[method] = {"system": title, **_worst(list(_differences(method, folder)))}
            write_result(out, {"systems": [*TITLES.values()], "lines": count_lines(), "methods": methods})
        for row in methods[method]["outputs"]:
            print(f"{title}: {row['output']}: {row['largest']:.1e} of {row['bound']:.1e}", flush=True)  # noqa: T201
    return all(row["largest"] <= row["bound"] for each in methods.values() for row in each["outputs"])


def _differences(method: str, folder: Path) -> Iterator[Difference]:
    recording = read_recording(method, folder)
    if method == KEYPOINTS:
        with TemporaryDirectory() as files:
            parts = make_superglue(recording, Path(files))
        yield from keypoint_differences(recording, parts, recording.sizes)
        return
    network = make_network(recording)
    if method in METHODS:
        yield from differences(recording, network, recording.sizes)
    elif method in PATCHES:
        assert isinstance(network, PatchNetVLAD)
        yield from patch_differences(read_recording(method), network, recording.sizes)
    else:
        assert method in TWO_STAGE
        yield from two_stage_differences(recording, network, recording.sizes)
        yield from rerank_differences(read_recording(method), network, recording.sizes)


def _worst(found: list[Difference]) -> dict[str, Any]:
    """Return the largest difference of each output, measured by its bound, and the sizes of the pictures."""
    rows = []
    for output in dict.fromkeys(each.output for each in found):
        worst = max(
            (each for each in found if each.output == output), key=lambda each: each.largest / (each.tolerance or 1)
        )
        rows.append({"output": _OUTPUTS.get(output, output), "largest": worst.largest, "bound": worst.tolerance})
    sizes = sorted({each.size for each in found}, reverse=True)
    return {"pictures": [list(size) for size in sizes], "outputs": rows}


if __name__ == "__main__":
    sys.exit(0 if compare(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, RESULT) else 1)
