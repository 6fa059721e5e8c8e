"""The stored predictions of each query."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.errors import InvalidInput
from model.geo import distance_m
from placefix.command_line import app
from tests.placefix.evaluation.small_set import Set, error_of, measure


def test_predictions_are_kept(town: Set, town_map: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "predictions"
    source = ["--map", town_map, "--queries", town.folder / "queries", "--rerank", 3, "--recalls", 1]
    measured = measure(*source, "--predictions", folder)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.pop("images_root") == str(town.folder)
    assert summary == measured
    queries = sorted(town.queries, key=lambda place: place.id)
    positions = {place.id: place.position for place in town.database}
    pairs_after = [line.split() for line in (folder / "pairs_after.txt").read_text().splitlines()]
    pairs_before = [line.split() for line in (folder / "pairs_before.txt").read_text().splitlines()]
    challenge = (folder / "msls_challenge.csv").read_text().splitlines()[1:]
    assert len(pairs_after) == len(pairs_before) == 3 * len(queries)
    for number, query in enumerate(queries):
        found = json.loads((folder / "queries" / f"{number:06d}.json").read_text())
        assert found["query"]["id"] == query.id
        candidates = found["candidates"]
        assert [each["rank"] for each in candidates] == [1, 2, 3]
        counts = [each["mutual_matches"] for each in candidates]
        assert counts == sorted(counts, reverse=True)
        for each in candidates:
            expected_m = distance_m(query.position, positions[each["id"]])
            assert each["distance_m"] == pytest.approx(expected_m, abs=1e-3)
            assert (each["latitude"], each["longitude"]) == (
                pytest.approx(positions[each["id"]].latitude, abs=1e-9),
                pytest.approx(positions[each["id"]].longitude, abs=1e-9),
            )
            assert each["is_positive"] == (each["distance_m"] <= 25)
        mine = slice(3 * number, 3 * number + 3)
        assert pairs_after[mine] == [[f"queries/{query.id}", f"database/{each['id']}"] for each in candidates]
        before = sorted(candidates, key=lambda each: each["rank_before"])
        assert pairs_before[mine] == [[f"queries/{query.id}", f"database/{each['id']}"] for each in before]
        assert [each["global_distance"] for each in before] == sorted(each["global_distance"] for each in before)
        keys = [query.id.split("@")[7], *(each["id"].split("@")[7] for each in candidates)]
        assert challenge[number].split() == keys
    assert all((town.folder / name).is_file() for pair in pairs_after for name in pair)
    error = error_of(*source, "--predictions", folder)
    assert isinstance(error, InvalidInput)
    assert "is not empty" in error.message


def test_names_with_blanks_go_into_no_list(town: Set, town_map: Path, tmp_path: Path) -> None:
    (tmp_path / "my queries").mkdir()
    for query in town.queries[:2]:
        (tmp_path / "my queries" / query.id).write_bytes(query.path.read_bytes())
    source = ["--map", town_map, "--queries", tmp_path / "my queries", "--predictions", tmp_path / "p", "--json"]
    result = CliRunner().invoke(app, ["evaluate", *map(str, source)])
    assert result.exit_code == 0
    assert "no pairs and no challenge file were written" in result.stderr
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["queries", "summary.json"]


def test_a_map_whose_pictures_are_gone_names_them_as_they_lay(town: Set, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for place in town.database[:3]:
        (tmp_path / "photos" / place.id).write_bytes(place.path.read_bytes())
    arguments = ["build", "--source", tmp_path / "photos", "--weights", town.weights, "--out", tmp_path / "m" / "gone"]
    assert CliRunner().invoke(app, list(map(str, arguments))).exit_code == 0
    shutil.rmtree(tmp_path / "photos")
    source = ["--map", tmp_path / "m" / "gone", "--queries", town.folder / "queries", "--recalls", 1]
    measure(*source, "--predictions", tmp_path / "p")
    images_root = Path(json.loads((tmp_path / "p" / "summary.json").read_text())["images_root"])
    query, found = (tmp_path / "p" / "pairs_before.txt").read_text().split()[:2]
    assert (images_root / query).is_file()
    assert (images_root / found).parent == tmp_path / "photos"
