"""The measurement against the plain two-stage retrieval, and a cell from training to result."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.ablations.cells import FROZEN, SELAVPR
from benchmarks.ablations.measure import measure
from benchmarks.ablations.outcome import Outcome
from benchmarks.ablations.run import Town, Where, run_cell
from index_builder.progress import SilentProgress
from model.encoder import Encoder
from model.features import Features
from model.images import open_image
from model.network.initialisation import seeded_network
from model.places import Place
from model.preprocess import preprocess
from model.retrieval import retrieve
from model.training.config import TrainingConfig
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
        # places are 30 m apart: right is the picture of the same number alone
        is_right = [row == number for row in expected.rows.tolist()]
        assert outcome.is_right[number][outcome.order(5)[number]].tolist() == is_right
        assert outcome.counts is not None
        assert expected.mutual_matches is not None
        counts = sorted(outcome.counts[number].tolist(), reverse=True)
        assert counts == pytest.approx(expected.mutual_matches.tolist(), abs=2)  # those of the database are float16


def test_without_local_features_nothing_is_counted(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    network = seeded_network(replace(NETWORK, local_features="none"), seed=1)
    assert measure(network, places.database, places.queries, CPU, shortlist=5).counts is None


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(small_set(tmp_path), small_set(tmp_path, "val", seed=100), small_set(tmp_path, "test", seed=200))


def recipe(tmp_path: Path) -> TrainingConfig:
    return small_config(tmp_path)


def test_a_cell_is_trained_measured_and_kept(tmp_path: Path, town: Town) -> None:
    backbone = tmp_path / "backbone.safetensors"
    save_network(seeded_network(replace(NETWORK, adapters="none", local_features="none"), seed=1), backbone)
    where = Where(backbone, tmp_path / "runs", tmp_path / "results")
    cell = replace(SELAVPR, network={"adapters": "both", "local_features": "coarse"}, shortlist=4)
    run_cell(cell, recipe(tmp_path), town, where, CPU, SilentProgress())
    summary = json.loads((tmp_path / "results" / "selavpr-seed0.json").read_text())
    assert summary["steps"] == 12
    assert summary["triplets"] == 24
    assert 0 < summary["trainable"] < summary["parameters"]
    assert [each["epoch"] for each in summary["validation"]] == [1, 2]
    outcome = Outcome.load(tmp_path / "results" / "selavpr-seed0.npz")
    assert outcome.is_right.shape == (12, 4)
    before = (tmp_path / "results" / "selavpr-seed0.npz").stat().st_mtime_ns
    run_cell(cell, recipe(tmp_path), town, where, CPU, SilentProgress())  # done once
    assert (tmp_path / "results" / "selavpr-seed0.npz").stat().st_mtime_ns == before
    run_cell(replace(FROZEN, shortlist=4), recipe(tmp_path), town, where, CPU, SilentProgress())
    frozen = json.loads((tmp_path / "results" / "frozen-seed0.json").read_text())
    assert frozen["trainable"] == 0
    assert "steps" not in frozen
