"""The measurement against the plain two-stage retrieval, and a cell from training to result."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.ablations.cells import COARSE, FROZEN, GLOBAL_ONLY, SELAVPR, Cell
from benchmarks.ablations.measure import measure
from benchmarks.ablations.outcome import Outcome
from benchmarks.ablations.run import Recipes, Town, Where, run_cell
from model.encoder import Encoder
from model.features import Features
from model.images import open_image
from model.places import Place
from model.preprocess import preprocess
from model.progress import SilentProgress
from model.retrieval import retrieve
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from tests.model.training.small_run import NETWORK, small_config, small_set

CPU = torch.device("cpu")


def encode(side: Sequence[Place]) -> Features:
    images = torch.stack([preprocess(open_image(place.path)) for place in side])
    return Encoder(seeded_network(NETWORK, seed=1)).encode(images)


def test_it_is_the_plain_retrieval(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    queries, database = encode(places.queries), encode(places.database)
    outcome = measure(seeded_network(NETWORK, seed=1), places.database, places.queries, CPU, shortlist=5)
    for number in range(len(queries)):
        expected = retrieve(queries[number : number + 1], database, shortlist=5)
        # places are 30 m apart: only the picture of the same number is right
        is_right = [row == number for row in expected.rows.tolist()]
        assert outcome.is_right[number][outcome.order(5)[number]].tolist() == is_right
        assert outcome.counts is not None
        assert expected.mutual_matches is not None
        counts = sorted(outcome.counts[number].tolist(), reverse=True)
        assert counts == pytest.approx(expected.mutual_matches.tolist(), abs=2)  # features of the database are float16


def test_without_local_features_nothing_is_counted(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    network = seeded_network(replace(NETWORK, local_features="none"), seed=1)
    assert measure(network, places.database, places.queries, CPU, shortlist=5).counts is None


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(small_set(tmp_path), small_set(tmp_path, "val", seed=100), small_set(tmp_path, "test", seed=200))


def recipes(tmp_path: Path) -> Recipes:
    first = small_config(tmp_path)
    network = replace(first.network, adapters="both", local_features="none")
    local = replace(first.network, local_features="dense", adapters_learn=False)
    return Recipes(replace(first, network=network), replace(first, network=local))


def test_a_cell_is_trained_measured_and_kept(tmp_path: Path, town: Town) -> None:
    backbone = tmp_path / "backbone.safetensors"
    save_network(seeded_network(replace(NETWORK, adapters="none", local_features="none"), seed=1), backbone)
    where = Where(backbone, tmp_path / "runs", tmp_path / "results")

    def run(cell: Cell) -> dict[str, Any]:
        run_cell(replace(cell, shortlist=4), recipes(tmp_path), town, where, CPU, SilentProgress())
        summary: dict[str, Any] = json.loads((tmp_path / "results" / f"{cell.file_name}.json").read_text())
        return summary

    both = run(SELAVPR)
    assert [stage["steps"] for stage in both["stages"]] == [12, 12]
    assert [each["epoch"] for each in both["stages"][0]["validation"]] == [1, 2]
    assert 0 < both["trainable"] < both["parameters"]
    kept = tmp_path / "results" / "selavpr-seed0.npz"
    assert Outcome.load(kept).is_right.shape == (12, 4)
    before = kept.stat().st_mtime_ns
    run(SELAVPR)  # trained once
    assert kept.stat().st_mtime_ns == before
    first = run(GLOBAL_ONLY)
    assert first["stages"][0]["trained_s"] is None  # the first stage of the former
    assert first["trainable"] < both["trainable"]
    assert Outcome.load(tmp_path / "results" / "global-seed0.npz").counts is None
    coarse = run(COARSE)
    assert coarse["trainable"] == first["trainable"]
    assert Outcome.load(tmp_path / "results" / "coarse-seed0.npz").counts is not None
    frozen = run(FROZEN)
    assert (frozen["trainable"], frozen["stages"]) == (0, [])
