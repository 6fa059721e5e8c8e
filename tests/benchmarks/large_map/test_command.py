"""Large maps are measured in every step of their life, here a small one."""

import json
from pathlib import Path

from typer.testing import CliRunner

from benchmarks.__main__ import app


def test_the_command_writes_what_it_measures(tmp_path: Path) -> None:
    out, folder = tmp_path / "large_map.json", tmp_path / "maps"
    arguments = ["large-map", "--places", "300", "--queries", "2", "--index", "SQ8"]
    result = CliRunner().invoke(app, [*arguments, "--folder", str(folder), "--out", str(out)])
    assert result.exit_code == 0, (result.output, result.exception)
    figures = json.loads(out.read_text())
    [size] = figures["sizes"]
    assert (size["places"], size["segments"], size["index"]) == (300, 2, "SQ8")
    values = {figure["name"]: figure["value"] for figure in size["figures"]}
    assert values["disk: local features"] == 300 * 16_000 + 2 * 128
    assert values["disk: global features"] == 300 * 2048 + 2 * 128
    assert values["disk: index"] > 300 * 1024
    assert values["ready, with index and sums"] > values["open the map"] > 0
    stages = sum(values[f"warm, {stage}, p50"] for stage in ("shortlist", "gather", "re-rank", "answer"))
    assert 0 < stages < 3 * values["warm query, p99"]
    assert not folder.exists()
