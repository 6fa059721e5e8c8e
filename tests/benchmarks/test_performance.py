"""The documents of the figures: a table where there are figures, and a word where there are none."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.performance.command import NOT_MEASURED
from benchmarks.performance.tables import DOCUMENTS

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Copies of the documents."""
    (tmp_path / "docs").mkdir()
    for name in DOCUMENTS:
        shutil.copy(REPOSITORY / name, tmp_path / name)
    return tmp_path


def write(root: Path, results: Path) -> None:
    command = ["performance", "--root", str(root), "--results", str(results)]
    assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0


def test_figures_take_the_place_of_what_stood_there(root: Path, tmp_path: Path) -> None:
    way = {"seconds": 0.35, "ratio": 11.0, "extra_bytes": 4_000_000, "largest_difference": 2}
    figures = {"candidates": 100, "fast": "avx-512-int16", "hardware": "a machine", "ways": {"fast": way}}
    (tmp_path / "match.json").write_text(json.dumps(figures))
    write(root, tmp_path)
    text = (root / "docs/performance.md").read_text("utf-8")
    assert "| fast | 350 | 11.0 | 4 | 2 |" in text
    assert text.count(NOT_MEASURED) == len(DOCUMENTS["docs/performance.md"]) - 1


def test_the_documents_state_the_figures_that_were_measured(root: Path) -> None:
    """Whoever measures again also writes the documents again."""
    write(root, REPOSITORY / "benchmarks/results")
    for name in DOCUMENTS:
        assert (root / name).read_text("utf-8") == (REPOSITORY / name).read_text("utf-8")
