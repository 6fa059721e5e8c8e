"""Builds are measured against their encoder, on pictures of a rendered town."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.building.command import town_places
from model.errors import InvalidInput
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from tests.benchmarks.town_split import write_split
from tests.model.training.small_run import NETWORK


def test_the_command_writes_what_it_measures(tmp_path: Path) -> None:
    write_split(tmp_path / "town" / "test")
    save_network(seeded_network(NETWORK), tmp_path / "weights.safetensors")
    out = tmp_path / "results" / "build.json"
    options = {"weights": tmp_path / "weights.safetensors", "pictures": tmp_path / "town", "out": out}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    more = ["--count", "20", "--repeats", "2", "--memory", "5", "--memory", "24", "--device", "cpu"]
    result = CliRunner().invoke(app, ["build", *arguments, *more])
    assert result.exit_code == 0, (result.output, result.exception)
    figures = json.loads(out.read_text())
    town = figures["throughput"]["town"]
    assert (town["pictures"], len(town["encoder_s"]), len(town["build_s"])) == (20, 2, 2)
    assert town["build_rate"] == pytest.approx(20 / (sum(town["build_s"]) / 2))
    assert set(figures["peak_bytes"]) == {"5", "24"}
    assert all(peak > 50e6 for peak in figures["peak_bytes"].values())
    assert "cores" in figures["hardware"]


def test_more_pictures_than_there_are_cannot_be_used(tmp_path: Path) -> None:
    write_split(tmp_path / "test")
    places = town_places(tmp_path, 24)
    assert len({place.id for place in places}) == 24
    with pytest.raises(InvalidInput, match="has 24 pictures"):
        town_places(tmp_path, 25)
