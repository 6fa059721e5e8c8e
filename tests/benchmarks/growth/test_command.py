"""Growing a map writes only new files, and changes no others."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.growth.measure import measure_growth, repeated
from index_builder.build_options import BuildOptions
from model.encoder import Encoder
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from tests.benchmarks.town_split import write_split
from tests.index_builder.map_factory import photo_listing
from tests.model.training.small_run import NETWORK


def test_a_small_part_is_encoded_and_written_and_nothing_else_is_touched(tmp_path: Path) -> None:
    encoder = Encoder(seeded_network(NETWORK, seed=1))
    places = repeated(photo_listing(tmp_path / "photos", 4).places, 60)
    options = BuildOptions(segment_size=20)
    build, unchanged, add, remove, compact = measure_growth(encoder, places, 0.05, tmp_path, options)
    assert [step.pictures for step in (build, unchanged, add, remove, compact)] == [60, 60, 63, 60, 60]
    assert [step.encoded for step in (build, unchanged, add, remove, compact)] == [60, 0, 3, 0, 0]
    assert {step.touched_bytes for step in (build, unchanged, add, remove, compact)} == {0}
    assert unchanged.written_bytes == 0
    index_bytes = 60 * 4 * NETWORK.embed_dim
    assert add.written_bytes < 0.3 * build.written_bytes
    assert remove.written_bytes < index_bytes + 10_000  # and a manifest: no feature, no thumbnail


def test_the_command_writes_what_it_measures(tmp_path: Path) -> None:
    write_split(tmp_path / "town")
    save_network(seeded_network(NETWORK), tmp_path / "weights.safetensors")
    out = tmp_path / "growth.json"
    arguments = ["--weights", tmp_path / "weights.safetensors", "--source", tmp_path / "town" / "database.csv"]
    more = ["--pictures", 40, "--share", 0.05, "--repeats", 2, "--device", "cpu", "--out", out]
    result = CliRunner().invoke(app, ["growth", *(str(each) for each in (*arguments, *more))])
    assert result.exit_code == 0, (result.output, result.exception)
    figures = json.loads(out.read_text())
    steps = {step["name"]: step for step in figures["steps"]}
    assert list(steps) == ["build", "update without a change", "add", "remove", "compact"]
    assert (steps["add"]["encoded"], steps["remove"]["encoded"], steps["build"]["of_build"]) == (2, 0, 1)
    ratios = [one / other for one, other in zip(steps["add"]["duration_s"], steps["build"]["duration_s"], strict=True)]
    assert steps["add"]["of_build"] == pytest.approx(sum(ratios) / 2)
    assert "cores" in figures["hardware"]
