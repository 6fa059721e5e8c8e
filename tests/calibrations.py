"""Calibrations made by hand, and maps that have one."""

import shutil
from collections.abc import Sequence
from math import log
from pathlib import Path

from place_map import layout
from place_map.calibration import Auto, Bound, Calibration, Logistic, Questions, Radius, Scale, Step
from place_map.current import Current
from place_map.evidence import SIGNALS
from place_map.file_sum import FileSum
from place_map.versions import read_manifest

ELSEWHERE_BELOW = 0.2
THRESHOLD = 0.8
"""The confidence from which at most 5 % are wrong."""

SURE_FROM = 0.9
RADIUS_M = 12.5
"""It holds 95 % of the answers of at least ``THRESHOLD``."""

SCALE = Scale(
    bounds=(
        Bound(confidence=0.5, accepted=200, wrong=30, wrong_at_most=0.2),
        Bound(confidence=THRESHOLD, accepted=150, wrong=2, wrong_at_most=0.045),
    ),
    radii=(
        Radius(confidence=0.0, answers=60, radii_m=(9.0, None, None)),
        Radius(confidence=0.5, answers=50, radii_m=(6.0, 21.0, 38.0)),
        Radius(confidence=THRESHOLD, answers=150, radii_m=(4.0, 8.0, RADIUS_M)),
    ),
    elsewhere_below=ELSEWHERE_BELOW,
)

STRICT_SCALE = SCALE.model_copy(update={"bounds": SCALE.bounds[:1]})
"""A scale by which nothing promises at most 5 % wrong answers."""


def always(confidence: float) -> Logistic:
    """Return one confidence for every answer, without regard to its evidence."""
    zeros, ones = (0.0,) * len(SIGNALS), (1.0,) * len(SIGNALS)
    return Logistic(means=zeros, scales=ones, weights=zeros, intercept=log(confidence / (1 - confidence)))


def calibration(
    confidence: float = 0.98,
    *,
    steps: Sequence[tuple[int, float]] | None = None,
    is_auto: bool = True,
    version: str = "000001",
    within_m: float = 25.0,
) -> Calibration:
    """Make a calibration that knows the confidence of an answer by how many candidates were compared.

    Args:
        confidence: The confidence of every answer, unless steps are given.
        steps: Numbers of compared candidates, each with the confidence from there on.
        is_auto: Whether ``rerank=auto`` may go by it.
        version: The one that was calibrated.
        within_m: The positive distance.
    """
    chosen = ((0, confidence), (1, confidence)) if steps is None else steps
    return Calibration(
        map_version=version,
        within_m=within_m,
        questions=Questions(of_map=300, impossible=200),
        steps=tuple(Step(compared=compared, logistic=always(each), scale=SCALE) for compared, each in chosen),
        auto=Auto(sure_from=SURE_FROM, scale=SCALE) if is_auto else None,
    )


def copied(map_path: Path, folder: Path) -> Path:
    """Copy a map into a folder, to be given a calibration of its own."""
    return Path(shutil.copytree(map_path, folder / map_path.name))


def give(map_path: Path, made: Calibration | bytes) -> None:
    """Write a calibration, or any content of its file, into a map of one version, as if it had been made with it."""
    manifest = read_manifest(map_path)
    directory = layout.version_dir(map_path, manifest.version)
    (directory / layout.CALIBRATION).write_bytes(made if isinstance(made, bytes) else made.to_json())
    manifest = manifest.model_copy(update={"calibration": FileSum.of(directory / layout.CALIBRATION)})
    (directory / layout.MANIFEST).write_bytes(manifest.to_json())
    for pointer in (map_path / layout.CURRENT, directory / layout.POINTER):
        pointer.write_bytes(Current.to_manifest(manifest).to_bytes())
