"""``all`` runs all benchmarks, and reports those that failed."""

import pytest
from typer.testing import CliRunner

from benchmarks import every
from benchmarks.__main__ import app
from benchmarks.every import RUNS, Run


def test_every_run_is_a_command_with_these_options() -> None:
    runner = CliRunner()
    for run in RUNS:
        said = runner.invoke(app, [run.name, "--help"], env={"COLUMNS": "300"})
        assert said.exit_code == 0, run.name
        for option in f"{run.modest or ''} {run.large or ''}".split():
            assert not option.startswith("--") or option in said.output


def test_one_that_fails_does_not_keep_the_next_from_running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every, "RUNS", (Run("no-such-benchmark"), Run("shortlist", "--help")))
    result = CliRunner().invoke(app, ["all"])
    assert result.exit_code == 1
    assert "exit 2" in result.output
    assert "done" in result.output


def test_an_unknown_one_is_refused() -> None:
    result = CliRunner().invoke(app, ["all", "--only", "nonsense"])
    assert "nonsense is not among" in str(result.exception)
