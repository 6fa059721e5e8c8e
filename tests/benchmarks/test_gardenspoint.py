"""Walks by frame number, queried as in ``placefix evaluate``."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.gardenspoint import DATABASE, FOLDER, WALKS, read_walks
from index_builder.errors import SourceError
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from tests.conftest import write_photo
from tests.model.training.small_run import NETWORK

FRAMES = 24


def write_walks(shared: Path) -> Path:
    """Write walks: the day's queries show the database's frames, the night's three frames further on."""
    folder = shared / FOLDER
    for name, side, shift in (
        (DATABASE, "database", 0),
        (WALKS["day_left"], "queries/day_left", 0),
        (WALKS["night_right"], "queries/night_right", 3),
    ):
        lines = ["path,place_id"]
        for frame in range(FRAMES):
            write_photo(folder / side / f"Image{frame:03d}.jpg", (frame + shift) % FRAMES, size=(64, 48))
            lines.append(f"{side}/Image{frame:03d}.jpg,{frame}")
        (folder / name).write_text("\n".join(lines) + "\n", "utf-8")
    return shared


def test_both_walks_before_and_after_reranking(tmp_path: Path) -> None:
    weights, backbone = tmp_path / "network.safetensors", tmp_path / "backbone.safetensors"
    save_network(seeded_network(NETWORK, seed=1), weights)
    save_network(seeded_network(replace(NETWORK, adapters="none", local_features="none"), seed=1), backbone)
    out = tmp_path / "new" / "gardenspoint.json"
    shared = write_walks(tmp_path / "shared")
    arguments = ["--weights", str(weights), "--backbone", str(backbone), "--shared", str(shared), "--rerank", "20"]
    result = CliRunner().invoke(app, ["gardenspoint", *arguments, "--out", str(out)])
    assert result.exit_code == 0, result.output
    written = json.loads(out.read_text())
    assert written["networks"].keys() == {"network", "backbone"}
    for walks in written["networks"].values():
        day, night = walks["day_left"], walks["night_right"]
        assert day["before"]["R@1"] == day["after"]["R@1"] == {"value": 100, "low": 100, "high": 100}
        # the same picture is found, three frames off: two would have been right
        assert night["before"]["R@1"]["value"] == night["after"]["R@1"]["value"] == 0
        for walk in (day, night):
            evaluation = walk["evaluation"]
            assert evaluation["settings"]["frame_tolerance"] == 2
            assert evaluation["settings"]["rerank"] == 20
            for stage, recalls in (("before", "recalls_before"), ("after", "recalls_after")):
                assert {name: each["value"] for name, each in walk[stage].items()} == pytest.approx(evaluation[recalls])
            gain = {name: walk["after"][name]["value"] - walk["before"][name]["value"] for name in walk["gain"]}
            assert {name: each["value"] for name, each in walk["gain"].items()} == pytest.approx(gain)


def test_a_network_without_local_features_is_not_reranked(tmp_path: Path) -> None:
    weights, out = tmp_path / "network.safetensors", tmp_path / "gardenspoint.json"
    save_network(seeded_network(replace(NETWORK, local_features="none"), seed=1), weights)
    shared = write_walks(tmp_path / "shared")
    arguments = ["gardenspoint", "--weights", str(weights), "--shared", str(shared), "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    day = json.loads(out.read_text())["networks"]["network"]["day_left"]
    assert day["before"]["R@1"]["value"] == 100
    assert day["after"] == day["gain"] == {}


def test_without_the_photographs_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="PLACEFIX_SHARED is not set: give the folder"):
        read_walks(None)
    with pytest.raises(SourceError, match=r"database\.csv is not there: give the folder"):
        read_walks(tmp_path)


def test_the_photographs_are_those_that_are_documented(shared_dir: Path) -> None:
    for dataset in read_walks(shared_dir).values():
        assert len(dataset.queries) == len(dataset.database) == 200
        assert dataset.positives is not None
        assert [len(rows) for rows in dataset.positives][:4] == [3, 4, 5, 5]
