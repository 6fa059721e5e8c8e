"""A large map is measured in every step of its life, here a small one."""

import json
from pathlib import Path

from typer.testing import CliRunner

from benchmarks.__main__ import app


def test_the_command_writes_what_it_measures(tmp_path: Path) -> None:
    out = tmp_path / "large_map.json"
    arguments = ["large-map", "--places", "600", "--queries", "3", "--index", "SQ8", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    figures = json.loads(out.read_text())
    assert (figures["places"], figures["segments"], figures["index"]) == (600, 3, "SQ8")
    assert len(figures["steps"]) == 8
    assert all(step["duration_s"] > 0 and step["peak_bytes"] > 1e6 for step in figures["steps"])
    assert "cores" in figures["hardware"]
