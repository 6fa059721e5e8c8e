"""Maps of formats 4 and 5 are read, asked and changed; nobody knows what their evidence is worth."""

import json
import shutil
from pathlib import Path

import pytest

from model.preprocess import Preprocessing
from model.selavpr.selavpr import SelaVPR
from place_map.manifest import FORMAT_VERSION
from place_map.reader import PlaceMap
from place_map.versions import read_manifest
from tests.commands import RunCommand

FORMATS = (4, 5)


def state_of(format_version: int) -> Path:
    return Path(__file__).parent / f"format_{format_version}"


@pytest.mark.parametrize("format_version", FORMATS)
def test_what_the_manifest_does_not_say_is_selavpr_s_and_uncalibrated(format_version: int) -> None:
    manifest = read_manifest(state_of(format_version) / "maps" / "village")
    assert manifest.format_version == format_version
    assert manifest.network.family == SelaVPR.family
    assert manifest.preparation == SelaVPR.needs
    assert manifest.preprocessing is Preprocessing.ANTIALIAS
    assert manifest.features.match_floor is None
    assert manifest.calibration is None


@pytest.mark.parametrize("format_version", FORMATS)
def test_it_is_asked_and_changed(format_version: int, tmp_path: Path, command: RunCommand) -> None:
    state = Path(shutil.copytree(state_of(format_version), tmp_path / "state"))
    place_map, weights = state / "maps" / "village", state / "network.safetensors"
    asked = command("localize", state / "photos" / "1.jpg", "--map", place_map, "--weights", weights, "--json")
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout)
    best = answer["candidates"][0]
    assert best["id"] == "1.jpg"
    assert answer["position"] == {"latitude": best["latitude"], "longitude": best["longitude"]}
    assert (answer["status"], answer["confidence"], answer["accuracy"]) == ("uncalibrated", None, None)
    changed = command("remove", place_map, "--id", "0.jpg")
    assert changed.returncode == 0, changed.stderr
    assert read_manifest(place_map).format_version == FORMAT_VERSION
    with PlaceMap.open(place_map) as opened:
        assert [opened.places[row].id for row in range(len(opened))] == ["1.jpg", "2.jpg"]
        assert opened.calibration is None
