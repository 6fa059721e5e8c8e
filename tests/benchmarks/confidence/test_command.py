"""The command from an outcome on the disk to table, JSON and plot."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.ablations.outcome import Outcome
from benchmarks.confidence.average_precision import PrecisionRecall
from benchmarks.confidence.plot import lowest_percent
from model.errors import InvalidInput
from tests.benchmarks.town_split import CONDITIONS


def write_outcome(folder: Path, queries: int = 12) -> Outcome:
    """Counts that know which candidate is right better than distances do; by night nothing is found."""
    random = np.random.default_rng(0)
    is_right = random.random((queries, 5)) < 0.4
    is_right[2::4] = False
    outcome = Outcome(
        is_right,
        np.sort(random.random((queries, 5)), axis=1).astype(np.float16).astype(np.float32),
        (100 + 50 * is_right + random.integers(0, 40, (queries, 5))).astype(np.int64),
    )
    outcome.save(folder / "cell-seed0.npz")
    return outcome


def write_queries(folder: Path, queries: int = 12) -> None:
    lines = ["path,latitude,longitude,condition"]
    lines += [f"{number}.jpg,1,2,{CONDITIONS[number % 4]}" for number in range(queries)]
    (folder / "queries.csv").write_text("\n".join(lines) + "\n", "utf-8")


def ask(folder: Path, *more: str) -> str:
    result = CliRunner().invoke(
        app,
        ["confidence", "--results", str(folder), "--pictures", str(folder), "--cell", "cell-seed0", *more],
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    return result.output


def test_it_says_the_same_in_the_table_and_in_json(tmp_path: Path) -> None:
    outcome = write_outcome(tmp_path)
    write_queries(tmp_path)
    out = tmp_path / "new" / "confidence.json"
    printed = ask(tmp_path, "--out", str(out))
    written = json.loads(out.read_text())
    assert written["cell"] == "cell-seed0"
    assert written["reranked"] == 5  # the default of 100 is more than there are
    groups = written["groups"]
    assert {name: group["queries"] for name, group in groups.items()} == {"all": 12, "day": 6, "night": 3}
    assert groups["night"]["signals"]["count"]["auc_pr"] is None  # nothing is right there
    assert groups["night"]["count_minus_distance"] is None
    assert groups["night"]["signals"]["count"]["right_percent"] == 0
    assert outcome.counts is not None
    first = outcome.counts.argmax(axis=1)
    is_right = outcome.is_right[np.arange(12), first]
    expected = PrecisionRecall(outcome.counts.max(axis=1).astype(float), is_right).average_precision
    area = groups["all"]["signals"]["count"]["auc_pr"]
    assert area["value"] == pytest.approx(100 * expected)
    assert area["low"] <= area["value"] <= area["high"]
    assert f"{area['value']:.1f}" in printed


@pytest.mark.parametrize(
    ("precisions", "lowest"), [((0.912, 1.0), 90), ((0.899, 0.95), 80), ((1.0, 1.0), 90), ((0.0, 1.0), 0), ((), 0)]
)
def test_curves_begin_where_they_can_be_told_apart(precisions: tuple[float, ...], lowest: float) -> None:
    assert lowest_percent(precisions) == lowest


def test_plots_are_opaque_and_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    write_outcome(tmp_path)
    write_queries(tmp_path)
    for name in ("one.svg", "other.svg", "one.png"):
        ask(tmp_path, "--plot", str(tmp_path / name))
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()
    with Image.open(tmp_path / "one.png") as plot:
        pixels = np.asarray(plot.convert("RGBA"))
    assert (pixels[..., 3] == 255).all()
    assert (pixels[0, 0] == 255).all()


def test_another_split_is_not_the_one_that_was_measured(tmp_path: Path) -> None:
    write_outcome(tmp_path)
    write_queries(tmp_path, queries=11)
    with pytest.raises(InvalidInput, match=r"12 queries and .* has 11: give the split"):
        ask(tmp_path)


def test_an_outcome_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no outcome .*cell-seed0\.npz: measure it with"):
        ask(tmp_path)


def test_a_plot_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_outcome(tmp_path)
    write_queries(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InvalidInput, match=r"placefix\[bench\]"):
        ask(tmp_path, "--plot", str(tmp_path / "plot.svg"))
    with pytest.raises(InvalidInput, match=r"ends in \.svg or \.png"):
        ask(tmp_path, "--plot", str(tmp_path / "plot.gif"))
