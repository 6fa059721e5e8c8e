"""Thumbnails find pictures with the same colours in the same places, at any brightness."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.ablations.outcome import Outcome
from benchmarks.thumbnail import thumbnail_outcome
from model.errors import InvalidInput
from model.geo import LatLon
from model.places import Place
from tests.benchmarks.town_split import write_split

Pixels = NDArray[np.uint8]


def picture(folder: Path, name: str, pixels: Pixels, north: float) -> Place:
    path = folder / f"{name}.png"
    Image.fromarray(pixels).save(path)
    return Place(name, path, LatLon(north, 13.0))


def test_the_cosine_does_not_see_brightness(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    scenes = [random.integers(40, 120, (8, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(3)]
    database = [picture(tmp_path, f"d{number}", scene, number * 0.001) for number, scene in enumerate(scenes)]
    brighter = picture(tmp_path, "q", scenes[1] * 2, 0.001)
    outcome = thumbnail_outcome(database, [brighter], shortlist=10)
    assert outcome.counts is None
    assert outcome.is_right.tolist() == [[True, False, False]]
    assert outcome.distances[0, 0] == pytest.approx(0, abs=1e-3)
    cosines = [cosine(scenes[1], scene) for scene in (scenes[0], scenes[2])]
    assert outcome.distances[0, 1:] == pytest.approx(sorted((2 - 2 * each) ** 0.5 for each in cosines), rel=1e-3)


def cosine(first: Pixels, second: Pixels) -> float:
    one, other = (scene[::8, ::8].astype(float).ravel() for scene in (first, second))
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_nothing_is_found_in_nothing() -> None:
    with pytest.raises(InvalidInput, match="each must be at least 1"):
        thumbnail_outcome([], [])


def test_the_command_keeps_the_outcome(tmp_path: Path) -> None:
    out = tmp_path / "results" / "thumbnail.npz"
    pictures = write_split(tmp_path / "val")
    result = CliRunner().invoke(app, ["thumbnail", "--pictures", str(pictures), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "night" in result.output
    outcome = Outcome.load(out)
    assert len(outcome) == 12
    assert outcome.shortlist == 12
