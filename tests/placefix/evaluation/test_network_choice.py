"""Where no network is named, an evaluation says which one answers."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.geo import LatLon
from placefix.command_line import app
from tests.conftest import write_photo


def test_the_best_network_that_is_here_answers_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACEFIX_CACHE", str(tmp_path / "empty"))
    monkeypatch.delenv("PLACEFIX_WEIGHTS", raising=False)
    for number in range(2):
        write_photo(tmp_path / "photos" / f"{number}.jpg", number, LatLon(55.7 + number / 100, 13.2))
    sides = ["--database", str(tmp_path / "photos"), "--queries", str(tmp_path / "photos")]
    result = CliRunner().invoke(app, ["evaluate", *sides, "--recalls", "1", "--rerank", "1"])
    assert result.exit_code == 0, result.output
    assert "network: starter (auto: no published network is here; placefix weights fetch" in result.output
    assert "after re-ranking   R@1: 100.0" in result.output
