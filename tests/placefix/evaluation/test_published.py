"""Measurements beside published results."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.errors import InvalidInput
from placefix.command_line import app
from tests.placefix.evaluation.small_set import Set, error_of, from_folders, measure, run


def write_published(folder: Path, **row: object) -> Path:
    values = {"dataset": "Line", "source": "by hand", "rerank": 10} | row
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    text = "\n".join(["[weights]", "[rows.line]", *lines, "after = { 1 = 50.0, 10 = 80.0 }", "before = { 5 = 12.5 }"])
    (folder / "published.toml").write_text(text + "\n")
    return folder / "published.toml"


def test_a_published_row_is_measured_under_its_conditions(town: Set, tmp_path: Path) -> None:
    published = write_published(tmp_path, database=10, queries=6, threshold_m=18.0, heading_deg=100.0)
    arguments = [*from_folders(town), "--recalls", 1, "--published", published, "--expect", "line"]
    measured = measure(*arguments)
    assert list(measured["recalls_after"]) == ["R@1", "R@5", "R@10"]
    assert measured["settings"]["threshold_m"] == 18
    assert measured["settings"]["heading_deg"] == 100
    assert measured["settings"]["rerank"] == 10
    assert measured["settings"]["preprocessing"] == "official-eval"
    comparison = measured["published"]
    assert list(comparison["before"]) == ["R@5"]
    assert comparison["after"]["R@10"] == {
        "published": 80.0,
        "measured": pytest.approx(100 * 5 / 6),
        "difference": pytest.approx(100 * 5 / 6 - 80),
    }
    output = run(*arguments)
    assert "published  measured  difference" in output
    assert "R@10       80.0      83.3        +3.3" in output


def test_another_dataset_than_the_published_one_is_refused(town: Set, tmp_path: Path) -> None:
    published = write_published(tmp_path, database=10_000)
    arguments = [*from_folders(town), "--recalls", 1, "--expect"]
    error = error_of(*arguments, "line", "--published", published)
    assert isinstance(error, InvalidInput)
    assert "the published database has 10,000 pictures, and this one has 10" in error.message
    error = error_of(*arguments, "lime", "--published", published)
    assert isinstance(error, InvalidInput)
    assert "is line meant?" in error.message
    uncounted = write_published(tmp_path)
    result = CliRunner().invoke(app, ["evaluate", *map(str, [*arguments, "line", "--published", uncounted])])
    assert result.exit_code == 0
    assert "not checked" in result.stderr


def test_other_conditions_are_said(town: Set, town_map: Path, tmp_path: Path) -> None:
    published = write_published(tmp_path, threshold_m=25.0)
    arguments = ["--map", town_map, "--queries", town.folder / "queries", "--published", published, "--expect", "line"]
    arguments += ["--recalls", 1, "--threshold-m", 30, "--heading-deg", 90, "--rerank", 12]
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    assert result.exit_code == 0
    said = [line for line in result.stderr.splitlines() if line.startswith("published with")]
    assert said == [
        "published with --rerank 10, measured with 12",
        "published with --threshold-m 25.0, measured with 30.0",
        "published with --heading-deg None, measured with 90.0",
        "published with --preprocess official-eval, measured with antialias",
    ]
