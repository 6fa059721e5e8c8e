"""The commands that change a map, as they are typed."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from model.geo import LatLon
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from place_map.reader import PlaceMap
from place_map.versions import existing_versions
from placefix.command_line import app
from tests.conftest import TINY_CONFIG, write_photo
from tests.golden.recordings import write_checkpoint

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_network(seeded_network(TINY_CONFIG, seed=7), path)
    return path


def csv_source(folder: Path, numbers: range) -> Path:
    """Return photos on a line to the north, taken a day apart."""
    lines = ["path,latitude,longitude,time"]
    for number in numbers:
        write_photo(folder / f"{number:02d}.jpg", seed=number)
        lines.append(f"{number:02d}.jpg,{55 + number / 1000},13.2,2026-01-{number + 1:02d}T12:00:00Z")
    (folder / "photos.csv").write_text("\n".join(lines) + "\n")
    return folder / "photos.csv"


def run(*arguments: object) -> Result:
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


def run_well(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


@pytest.fixture
def town(tmp_path: Path, weights: Path) -> Path:
    source, town = csv_source(tmp_path / "one", range(5)), tmp_path / "maps" / "town"
    run_well("build", "--source", source, "--out", town, "--weights", weights, "--network-precision", "float32")
    return town


def ids(town: Path) -> list[str]:
    with PlaceMap.open(town) as place_map:
        return place_map.places.ids


def test_the_map_states_the_heads_of_a_network_whose_file_does_not(tmp_path: Path) -> None:
    source, town = csv_source(tmp_path / "one", range(3)), tmp_path / "maps" / "town"
    checkpoint = write_checkpoint("tiny224", tmp_path)
    run_well("build", "--source", source, "--out", town, "--weights", checkpoint, "--num-heads", 4)
    run_well("add", town, "--source", csv_source(tmp_path / "two", range(3, 5)))
    assert json.loads(run_well("verify", town, "--weights", checkpoint, "--json"))["reencoded"] == 5
    assert "nothing to do" in run_well("update", town, "--source", source)


def test_a_map_lives_through_all_commands(town: Path, tmp_path: Path) -> None:
    more = csv_source(tmp_path / "two", range(5, 8))
    told = json.loads(run_well("add", town, "--source", more, "--json"))
    assert (told["version"], told["change"]["added"], told["encoded"], told["placed"]) == ("000002", 3, 3, 8)
    assert run_well("remove", town, "--taken-before", "2026-01-03", "--dry-run").split() == ["00.jpg", "01.jpg"]
    assert "2 removed; 0 encoded" in run_well("remove", town, "--taken-before", "2026-01-03")
    assert "1 removed" in run_well("remove", town, "--area", "13,55.0065,14,56")
    assert run_well("map", "ids", town).split() == [f"{number:02d}.jpg" for number in range(2, 7)]
    (tmp_path / "one" / "03.jpg").unlink()
    csv_source(tmp_path / "one", range(2, 5))
    assert "nothing to do" in run_well("update", town, "--source", tmp_path / "one" / "photos.csv")
    assert "no picture changed; 0 encoded" in run_well("compact", town)
    versions = json.loads(run_well("map", "versions", town, "--json"))
    assert [version["change"]["kind"] for version in versions] == ["build", "add", "remove", "remove", "compact"]
    assert "000004 is served; before it was 000005" in run_well("map", "rollback", town)
    assert "000001 is served" in run_well("map", "activate", town, "1")
    assert len(ids(town)) == 5
    assert "000002, 000003, 000004: removed" in run_well("map", "prune", town, "--keep", "1")
    assert existing_versions(town) == ["000001", "000005"]
    assert re.search(r"000001 ●.*000005", run_well("map", "versions", town), re.DOTALL)
    assert "nothing was unfinished" in run_well("map", "abandon", town)
    assert "good" in run_well("verify", town)


def test_options_of_reading_hold_for_all_commands_that_read(town: Path, tmp_path: Path) -> None:
    for number in range(3):
        write_photo(tmp_path / "more" / f"m{number}.jpg", seed=20 + number, position=LatLon(56 + number / 1000, 13))
    told = json.loads(run_well("add", town, "--source", tmp_path / "more", "--exclude", "m2*", "--json"))
    assert told["change"]["added"] == 2
    again = ("update", town, "--source", tmp_path / "more", "--max-removed", "1", "--json")
    assert not json.loads(run_well(*again))["new"]  # read as before
    assert json.loads(run_well(*again, "--exclude", "m1*"))["change"]["removed"] == 1
    assert [each for each in ids(town) if each.startswith("m")] == ["m0.jpg", "m2.jpg"]


def test_building_again_what_is_there_does_nothing(town: Path, tmp_path: Path, weights: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in town.rglob("*")}
    arguments = ("build", "--out", town, "--weights", weights, "--network-precision", "float32", "--source")
    assert "5 pictures; nothing to do" in run_well(*arguments, tmp_path / "one" / "photos.csv")
    assert {path: path.stat().st_mtime_ns for path in town.rglob("*")} == before
    write_photo(tmp_path / "one" / "02.jpg", seed=99)
    refused = run(*arguments, tmp_path / "one" / "photos.csv")
    assert refused.exit_code == 1
    assert "placefix update" in str(refused.exception)
    told = json.loads(run_well("update", town, "--json"))
    assert (told["change"]["replaced"], told["encoded"], told["placed"]) == (1, 1, 5)


def test_a_map_is_built_from_several_collections(tmp_path: Path, weights: Path) -> None:
    """And follows each of them; ids that two of them have are told before anything is encoded."""
    sources = [csv_source(tmp_path / "one", range(2)), csv_source(tmp_path / "two", range(2, 5))]
    town = tmp_path / "maps" / "town"
    build = ("build", "--out", town, "--weights", weights, "--network-precision", "float32")
    given = [argument for source in sources for argument in ("--source", source)]
    run_well(*build, *given)
    assert ids(town) == [f"{number:02d}.jpg" for number in range(5)]
    with PlaceMap.open(town) as place_map:
        assert [source.path for source in place_map.manifest.sources] == [str(source) for source in sources]
        assert [place_map.source_of(row).path for row in range(5)] == [str(sources[0])] * 2 + [str(sources[1])] * 3
    told = json.loads(run_well("verify", town, "--weights", weights, "--json"))
    assert (told["reencoded"], [note for note in told["notes"] if "source pictures" in note]) == (5, [])
    assert "5 pictures; nothing to do" in run_well(*build, *given)
    csv_source(tmp_path / "two", range(2, 6))
    assert run(*build, *given).exit_code == 1
    assert json.loads(run_well("update", town, "--source", sources[1], "--json"))["change"]["added"] == 1
    other = csv_source(tmp_path / "three", range(4, 7))
    refused = run("build", "--out", tmp_path / "other", "--weights", weights, *given, "--source", other)
    assert "'04.jpg'" in str(refused.exception)
    assert "--prefix NAME/" in str(refused.exception)
    twice = run("build", "--out", tmp_path / "other", "--weights", weights, *given, "--source", sources[0])
    assert "is given twice" in str(twice.exception)
    assert not (tmp_path / "other").exists()


def test_areas_are_removed_together(town: Path) -> None:
    """Also those that overlap; --area given again adds to the first one."""
    boxes = ("--area", "13,55.0005,14,55.0025", "--area", "13,55.0015,14,55.0035")
    assert run_well("remove", town, *boxes, "--dry-run").split() == ["01.jpg", "02.jpg", "03.jpg"]


def test_a_picture_that_cannot_be_read_has_a_code_of_its_own(town: Path, tmp_path: Path) -> None:
    more = csv_source(tmp_path / "two", range(5, 8))
    (tmp_path / "two" / "06.jpg").write_bytes(b"no picture")
    result = run("add", town, "--source", more, "--max-rejected", "0.5")
    assert result.exit_code == 3
    assert "2 added" in result.stdout
    told = " ".join(result.stdout.split())
    assert "1 that cannot be read 06.jpg: " in told
    assert "left_out.csv" in told
    with PlaceMap.open(town) as place_map:
        assert place_map.manifest.counts.rejected == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("remove", "MAP"), "nothing is selected"),
        (("remove", "MAP", "--area", "170,0,-170,1"), "has to be given as two"),
        (("remove", "MAP", "--area", "1,2,3"), "neither WEST,SOUTH,EAST,NORTH in degrees nor a GeoJSON file"),
        (("remove", "MAP", "--id", "nobody.jpg"), "1 of 1 ids are not in"),
        (("remove", "MAP", "--taken-before", "yesterday"), "not an ISO 8601 time"),
        (("remove", "MAP", "--ids-file", "nothing.txt"), "cannot be read"),
        (("map", "activate", "MAP", "9"), "has no version 000009"),
        (("map", "prune", "MAP", "--version", "1"), "is served; activate"),
        (("map", "prune", "MAP"), "say either how many"),
        (("map", "rollback", "MAP"), "is the first"),
        (("update", "MAP", "--source-number", "3"), "none is 3"),
        (("update", "MAP", "--source", "a", "--source", "b"), "--source is given 2 times: a, b"),
        (("add", "MAP", "--source", "a", "--source", "b"), "--source is given 2 times: a, b"),
        (("compact", "nowhere"), "is not there"),
    ],
)
def test_bad_input_is_told_and_changes_nothing(town: Path, arguments: tuple[str, ...], message: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in town.rglob("*")}
    result = run(*(town if argument == "MAP" else argument for argument in arguments))
    assert result.exit_code == 1
    assert message in str(result.exception)
    assert {path: path.stat().st_mtime_ns for path in town.rglob("*")} == before
    assert [path.name for path in town.parent.iterdir()] == ["town"]


def test_polygons_of_a_file(town: Path, tmp_path: Path) -> None:
    ring = [[13, 55.0005], [14, 55.0005], [14, 55.0025], [13, 55.0025], [13, 55.0005]]
    area = tmp_path / "area,1,2,3.geojson"
    area.write_text(json.dumps({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}}))
    run_well("remove", town, "--area", area)
    assert ids(town) == ["00.jpg", "03.jpg", "04.jpg"]
