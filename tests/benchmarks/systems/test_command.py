"""Systems are measured side by side on a few small pictures, each in a process of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from benchmarks.__main__ import app
from benchmarks.systems import catalogue
from benchmarks.systems.catalogue import SYSTEMS, System, random_network
from benchmarks.systems.measure import Question, measure, spread
from benchmarks.systems.quoted import QUOTED
from index_builder.sources.read_options import ReadOptions
from model.errors import InvalidInput
from model.published_weights import PUBLISHED
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from model.weights_cache import STARTER
from placefix.evaluation.run import read_dataset
from placefix.evaluation.truth import NearbyTruth
from tests.benchmarks.town_split import write_split
from tests.model.descriptors.small_networks import SMALL
from tests.model.training.small_run import NETWORK

RANDOM = System("mixvpr", "a small MixVPR", "mixvpr", SMALL["mixvpr"])
BY_HAND = ("salad_patches", "netvlad_superglue_outdoor")  # names that docs/systems.md gives to imports
BROKEN = System("transvpr", "a network that cannot be", "transvpr", {"dim": 30})


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a split of a few pictures; the catalogue has a small trained system, and one that cannot be measured."""
    monkeypatch.setenv("PLACEFIX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "400")  # tables are as wide as this
    weights = tmp_path / "small.safetensors"
    network = seeded_network(NETWORK)
    network.is_trained = True
    save_network(network, weights)
    small = System("town", "a small network", "selavpr", weights=(str(weights),))
    monkeypatch.setattr(catalogue, "SYSTEMS", {each.name: each for each in (small, BROKEN)})
    return write_split(tmp_path / "town" / "test")


def run(town: Path, *more: object) -> Result:
    files = ["--database", town / "database.csv", "--queries", town / "queries.csv"]
    quick = ["--rerank", 10, "--timed-queries", 1, "--device", "cpu", "--out", town / "systems.json"]
    return CliRunner().invoke(app, ["systems", *map(str, (*files, *quick, *more))])


def figures(town: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((town / "systems.json").read_text("utf-8"))
    return found


def test_systems_are_measured_once_and_a_failed_one_disturbs_nothing(town: Path) -> None:
    result = run(town, "--systems", "town")
    assert result.exit_code == 0, (result.output, result.exception)
    [trained] = figures(town)["systems"]
    assert (trained["system"], trained["candidates"], trained["reranker"]) == ("town", 10, "mutual-matches")
    assert set(trained["recall"]["after"]) == {"R@1", "R@5", "R@10"}
    assert 0 <= trained["recall"]["after"]["R@1"]["low"] <= trained["recall"]["after"]["R@1"]["high"] <= 100
    assert all(trained["ms"][stage] > 0 for stage in ("decode", "encode", "shortlist", "gather", "rerank"))
    assert trained["peak_memory_bytes"] > 50e6
    assert "random weights" not in result.output
    assert all(row.title in result.output for row in QUOTED)
    assert "its code was not released" in result.output.replace("\n", " ")
    assert (town / "systems.svg").read_text("utf-8").count("recall over") == 2

    # A second run does not measure it again: its figures stay as they are, though another system fails.
    before = figures(town)
    again = run(town)
    assert again.exit_code == 1
    assert "a network that cannot be could not be measured: network configuration: dim" in again.output
    assert figures(town) == before

    # Figures of other conditions are not mixed with these.
    other = run(town, "--threshold-m", 20)
    assert isinstance(other.exception, InvalidInput)
    assert "other conditions (truth 25 m instead of 20 m)" in str(other.exception)


def test_a_random_system_has_times_and_bytes_and_no_recall(town: Path, tmp_path: Path) -> None:
    pictures = read_dataset(
        [town / "queries.csv"], [town / "database.csv"], None, NearbyTruth(25, None), None, ReadOptions()
    )
    (tmp_path / "map").mkdir()
    row = measure(RANDOM, Question(pictures, 10, 1, 20.0, "cpu", "float32"), tmp_path / "map")
    assert (row["weights"], row["recall"], row["picture_px"]) == (None, None, [320, 320])
    assert (row["global_bytes"], row["candidates"]) == (2 * 32, 10)
    assert row["ms"]["encode"] > 0


def test_an_unknown_system_is_refused_before_any_work(town: Path) -> None:
    result = run(town, "--systems", "netvlod")
    assert isinstance(result.exception, InvalidInput)
    assert "netvlod" in str(result.exception)
    assert not (town / "systems.json").exists()


def test_every_weight_of_the_catalogue_is_published_or_shipped() -> None:
    for system in SYSTEMS.values():
        for name in system.weights:
            assert name in (*PUBLISHED, *BY_HAND, STARTER) or Path(name).is_file(), (system.name, name)


def test_random_weights_are_the_same_in_every_process_and_nowhere_zero() -> None:
    one, other = (random_network(RANDOM) for _ in range(2))
    for name, parameter in one.named_parameters():
        assert parameter.any(), name
        assert parameter.equal(other.get_parameter(name)), name


def test_places_are_spread_evenly() -> None:
    assert spread([*range(10)], 3) == (0, 4, 9)
    assert spread([*range(2)], 3) == (0, 1)
