"""Maps of formats 4 to 7 are read, asked and changed; nobody knows what their evidence is worth."""

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

FORMATS = (4, 5, 6, 7)


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


def test_thumbnails_with_a_file_each_are_read_kept_and_packed(tmp_path: Path, command: RunCommand) -> None:
    """A change keeps the segments as they are; a compaction packs the same bytes."""
    state = Path(shutil.copytree(state_of(6), tmp_path / "state"))
    path = state / "maps" / "village"
    files = sorted((path / "segments").rglob("*.jpg"))
    expected = [file.read_bytes() for file in files]
    assert [file.relative_to(path).as_posix() for file in files] == [
        "segments/000001/thumbnails/000000.jpg",
        "segments/000001/thumbnails/000001.jpg",
        "segments/000002/thumbnails/000000.jpg",
    ]

    def thumbnails() -> list[bytes | None]:
        with PlaceMap.open(path) as place_map:
            return [place_map.thumbnail(row) for row in range(len(place_map))]

    assert thumbnails() == expected
    assert command("verify", path).returncode == 0
    assert command("remove", path, "--id", "0.jpg").returncode == 0
    assert thumbnails() == expected[1:]
    assert command("compact", path).returncode == 0
    assert thumbnails() == expected[1:]
    manifest = read_manifest(path)
    assert all(segment.has_packed_thumbnails for segment in manifest.segments)
    assert (path / "segments" / manifest.segments[0].id / "thumbnails.mjpeg").read_bytes() == b"".join(expected[1:])
    assert command("verify", path).returncode == 0
    files[0].write_bytes(bytes(len(expected[0])))
    checked = command("verify", path, "--json")
    assert checked.returncode == 1
    assert "segments/000001/thumbnails/000000.jpg" in checked.stdout
    assert command("map", "prune", path, "--keep", 1).returncode == 0
    assert command("verify", path).returncode == 0
    assert not list(path.rglob("*.jpg"))
