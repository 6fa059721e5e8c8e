"""The number of lines that each system takes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MODEL = Path(__file__).parent.parent.parent / "model"
_BACKBONES = ("choice", "deit", "dinov2", "pyramid", "resnet", "transformer_block", "vgg")
_FILES: Mapping[str, tuple[str, ...]] = {
    "backbones: ResNet, VGG16, DINOv2, DeiT, the pyramid of TransVPR": tuple(
        f"backbones/{name}" for name in _BACKBONES
    ),
    "CosPlace, EigenPlaces": ("descriptors/cosplace",),
    "GeM": ("descriptors/gem",),
    "MixVPR": ("descriptors/mixvpr",),
    "SALAD, CliqueMining": ("descriptors/salad", "descriptors/transport"),
    "MegaLoc": ("descriptors/megaloc",),
    "BoQ": ("descriptors/boq",),
    "NetVLAD": ("descriptors/netvlad", "descriptors/vlad"),
    "SFRS": ("descriptors/sfrs",),
    "Patch-NetVLAD": ("descriptors/patchnetvlad", "rerankers/patch_netvlad"),
    "TransVPR": ("descriptors/transvpr", "rerankers/transvpr"),
    "R2Former": ("descriptors/r2former", "descriptors/r2former_pairs", "rerankers/r2former"),
    "SuperPoint, SuperGlue": (
        *(f"keypoints/{name}" for name in ("superpoint", "superglue", "network", "layouts")),
        "frozen/keypoints",
        "rerankers/superglue",
    ),
    "RANSAC": ("homography", "rerankers/ransac"),
    "the shared part": (
        "descriptors/network",
        "descriptors/patches",
        "checkpoint_layout",
        "plain_config",
        "frozen/descriptor",
    ),
}
"""System → its files below ``model``, without suffix."""


def count_lines() -> list[dict[str, Any]]:
    """Count the lines of each system, with docstrings and empty lines, as values for JSON."""
    rows = []
    for system, names in _FILES.items():
        texts = [(_MODEL / f"{name}.py").read_text("utf-8") for name in names]
        rows.append({"system": system, "files": list(names), "lines": sum(len(text.splitlines()) for text in texts)})
    return rows
