"""The document of the figures: a table where there are figures, and a word where there are none."""

import json
import shutil
from pathlib import Path

from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.performance.command import NOT_MEASURED
from benchmarks.performance.tables import TABLES

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"


def test_figures_take_the_place_of_what_stood_there(tmp_path: Path) -> None:
    document = shutil.copy(DOCUMENT, tmp_path / "performance.md")
    way = {"seconds": 0.35, "ratio": 11.0, "extra_bytes": 4_000_000, "largest_difference": 2}
    figures = {"candidates": 100, "fast": "avx-512-int16", "hardware": "a machine", "ways": {"fast": way}}
    (tmp_path / "match.json").write_text(json.dumps(figures))
    command = ["performance", "--document", str(document), "--results", str(tmp_path)]
    assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0
    text = Path(document).read_text("utf-8")
    assert "| fast | 350 | 11.0 | 4 | 2 |" in text
    assert text.count(NOT_MEASURED) == len(TABLES) - 1


def test_the_document_states_the_figures_that_were_measured(tmp_path: Path) -> None:
    """Whoever measures again also writes the document again."""
    document = shutil.copy(DOCUMENT, tmp_path / "performance.md")
    command = ["performance", "--document", str(document), "--results", str(DOCUMENT.parents[1] / "benchmarks/results")]
    assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0
    assert Path(document).read_text("utf-8") == DOCUMENT.read_text("utf-8")
