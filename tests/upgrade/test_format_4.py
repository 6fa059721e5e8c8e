"""A map of format 4 is read, asked and changed: it is of the family selavpr, and every mutual pair is a match."""

import json
import shutil
from pathlib import Path

import pytest

from model.preprocess import Preprocessing
from model.selavpr.selavpr import SelaVPR
from place_map.reader import PlaceMap
from place_map.versions import read_manifest
from tests.commands import RunCommand

STATE = Path(__file__).parent / "format_4"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STATE, tmp_path / "state"))


def test_what_the_manifest_does_not_say_is_selavpr_s() -> None:
    manifest = read_manifest(STATE / "maps" / "village")
    assert manifest.format_version == 4
    assert manifest.network.family == SelaVPR.family
    assert manifest.preparation == SelaVPR.needs
    assert manifest.preprocessing is Preprocessing.ANTIALIAS
    assert manifest.features.match_floor is None


def test_it_is_asked_and_changed(state: Path, command: RunCommand) -> None:
    place_map, weights = state / "maps" / "village", state / "network.safetensors"
    asked = command("localize", state / "photos" / "1.jpg", "--map", place_map, "--weights", weights, "--json")
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["candidates"][0]["id"] == "1.jpg"
    changed = command("remove", place_map, "--id", "0.jpg")
    assert changed.returncode == 0, changed.stderr
    assert read_manifest(place_map).format_version == 5
    with PlaceMap.open(place_map) as opened:
        assert [opened.places[row].id for row in range(len(opened))] == ["1.jpg", "2.jpg"]
