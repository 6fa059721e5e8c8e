"""Every floor is counted from one pass like in the matchers; the command writes the figures that it prints."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.ablations.measure import measure
from benchmarks.matching_floor import FLOORS, FloorCounts, groups_of, measure_floors, summarize
from benchmarks.performance.floor_tables import floor_tables
from model.errors import InvalidInput
from model.images import open_image
from model.matching import MATCHING_PRECISIONS, MatchingPrecision, count_mutual_matches
from model.preprocess import preprocess
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from tests.benchmarks.town_split import write_split
from tests.model.training.small_run import NETWORK, small_set

CPU = torch.device("cpu")


@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
def test_each_floor_is_counted_as_the_matchers_count_it(tmp_path: Path, precision: MatchingPrecision) -> None:
    places = small_set(tmp_path)
    network = seeded_network(NETWORK, seed=1)
    floors = (0.9, 0.95, 0.99, 0.999)
    queries = places.queries[:3]
    found = measure_floors(network, places.database, queries, floors, CPU, shortlist=5, precision=precision)
    assert found.floors.tolist() == [-1, *floors]
    plain = measure(network, places.database, queries, CPU, shortlist=5, precision=precision)
    assert plain.counts is not None
    assert np.array_equal(found.counts[:, :, 0], plain.counts)
    assert np.array_equal(found.is_right, plain.is_right)
    with torch.no_grad():
        query, *candidates = (
            network(preprocess(open_image(place.path))[None]) for place in (queries[0], *places.database)
        )
    distances = torch.stack([(each.global_features - query.global_features).norm() for each in candidates])
    near = torch.stack([candidates[row].local_features[0] for row in distances.argsort(stable=True)[:5].tolist()])
    for number, floor in enumerate(floors, start=1):
        counts = count_mutual_matches(query.local_features[0], near.half(), floor=floor)
        assert np.abs(counts.numpy() - found.counts[0, :, number]).max() <= 1  # pictures were encoded in other batches
    assert (np.diff(found.counts, axis=2) <= 0).all()
    assert found.counts[:, :, -1].min() < found.counts[:, :, 0].min()


def test_the_first_candidate_has_the_most_matches_that_reach_the_floor() -> None:
    counts = np.array([[[9, 2], [8, 3], [8, 3]], [[5, 0], [5, 0], [6, 0]]])
    is_right = np.array([[False, True, False], [True, False, False]])
    found = FloorCounts(np.array([-1, 0.5]), is_right, counts)
    assert found.hits(0).tolist() == [False, False]
    assert found.hits(1).tolist() == [True, True]  # the nearer one if counts are equal
    assert found.global_hits().tolist() == [False, True]
    assert found.mean_matches(1, of_right=True) == 1.5
    assert found.mean_matches(1, of_right=False) == 1.25
    summary = summarize(found, ["night", "sun"])
    assert summary["queries_by_condition"] == {"all": 2, "day": 1, "night": 1}
    at_half = summary["floors"][1]
    assert at_half["R@1"]["all"]["value"] == 100
    assert at_half["R@1_minus_no_floor"]["night"] == {"value": 100, "low": 100, "high": 100}


def test_floors_that_change_nothing_share_a_row() -> None:
    counts = np.array([[[9, 9, 9, 2], [8, 8, 8, 3]]])
    found = FloorCounts(np.array([-1, 0.1, 0.2, 0.9]), np.array([[False, True]]), counts)
    conditions = {"queries": 1, "database": 2, "shortlist": 2, "precision": "fast", "hardware": "a machine"}
    text = floor_tables({**conditions, **summarize(found, ["fog"])})
    nothing = "0.0 <sub>[0.0, 0.0]</sub>"
    assert f"| none to 0.2 | 8 | 9 | {nothing} | {nothing} |\n| 0.9 | 3 | 2 |" in text
    assert "| floor | all (1) | fog (1) |" in text
    assert "| 0.1 to 0.2 | +0.0 <sub>[+0.0, +0.0]</sub> |" in text
    assert "| 0.9 | +100.0 <sub>[+100.0, +100.0]</sub> |" in text


def test_by_day_are_sun_and_overcast_and_no_group_is_empty() -> None:
    groups = groups_of(["sun", "fog", "overcast", "fog"])
    assert {name: part.tolist() for name, part in groups.items()} == {
        "all": [True, True, True, True],
        "day": [True, False, True, False],
        "fog": [False, True, False, True],
    }
    assert list(groups_of(["night"])) == ["all", "night"]


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    without = seeded_network(replace(NETWORK, local_features="none"), seed=1)
    with pytest.raises(InvalidInput, match="no local features"):
        measure_floors(without, places.database, places.queries, FLOORS, CPU, shortlist=5)
    network = seeded_network(NETWORK, seed=1)
    with pytest.raises(InvalidInput, match="0 queries"):
        measure_floors(network, places.database, [], FLOORS, CPU, shortlist=5)
    with pytest.raises(InvalidInput, match=r"the floor of mutual matches is 1\.5"):
        measure_floors(network, places.database, places.queries, [1.5], CPU, shortlist=5)


def test_the_command_writes_what_it_prints(tmp_path: Path) -> None:
    weights, out = tmp_path / "network.safetensors", tmp_path / "new" / "floor.json"
    save_network(seeded_network(NETWORK, seed=1), weights)
    arguments = ["--weights", str(weights), "--pictures", str(write_split(tmp_path / "val")), "--queries", "6"]
    arguments += ["--shortlist", "5", "--floor", "0.5", "--floor", "0.99", "--out", str(out)]
    result = CliRunner().invoke(app, ["floor", *arguments], env={"COLUMNS": "300"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    written = json.loads(out.read_text())
    assert (written["queries"], written["database"], written["shortlist"]) == (6, 12, 5)
    assert [row["floor"] for row in written["floors"]] == [-1, 0.5, 0.99]
    assert written["queries_by_condition"]["all"] == 6
    assert sum(written["queries_by_condition"].values()) == 12  # each once by condition, and once among all
    text = floor_tables(written)
    for row in written["floors"]:
        value, low, high = (row["R@1"]["all"][name] for name in ("value", "low", "high"))
        assert f"{value:.1f} [{low:.1f}, {high:.1f}]" in result.output
        assert f"{value:.1f} <sub>[{low:.1f}, {high:.1f}]</sub>" in text
    assert "| none" in text
    assert "Points of R@1 to no floor" in text
