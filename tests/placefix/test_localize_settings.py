"""``placefix localize`` and ``placefix show results`` go by the settings that the server reads."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from model.errors import InvalidInput
from model.geo import LatLon
from model.picture_errors import TooManyPixels
from model.selavpr.selavpr import SelaVPR
from placefix.command_line import app
from service.settings import load_settings
from service.settings_file import settings_from
from tests.service.conftest import Town, build_town, serving


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory, tiny_network: SelaVPR) -> Town:
    positions = {f"{number}.jpg": LatLon(60 + number / 100, 24.9) for number in range(4)}
    return build_town(tmp_path_factory.mktemp("village"), "village", tiny_network, positions, first_seed=500)


def localize(village: Town, *arguments: object) -> Result:
    command = ["localize", village.photos["1.jpg"], "--json", *arguments]
    return CliRunner().invoke(app, list(map(str, command)))


def answer(village: Town, *arguments: object) -> dict[str, Any]:
    result = localize(village, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return dict(json.loads(result.stdout))


def without_times(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("timings_ms", "request_id")}


@pytest.fixture
def settings(village: Town, tmp_path: Path) -> Path:
    path = tmp_path / "placefix.toml"
    path.write_text(
        f'maps = ["{village.map_path}"]\nport = 0\nrerank = true\nshortlist = 3\ncandidates = 2\nprecision = "exact"\n'
        f'searcher = "auto"\nencoding = "float32"\nnum_heads = 4\nweights = "{village.weights}"\n'
    )
    return path


def test_answer_is_the_server_s_under_the_same_file_of_settings(village: Town, settings: Path) -> None:
    by_command = answer(village, "--settings", settings)
    assert len(by_command["candidates"]) == 2
    assert all(candidate["mutual_matches"] is not None for candidate in by_command["candidates"])
    with serving(load_settings({}, settings_from(settings))) as served:
        served.wait_until_ready()
        by_http = served.client.post("/localize", content=village.photos["1.jpg"].read_bytes()).json()
    assert without_times(by_command) == without_times(by_http)


def test_flags_win_over_the_environment_and_that_over_the_file(
    village: Town, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACEFIX_SETTINGS", str(settings))
    assert len(answer(village)["candidates"]) == 2
    monkeypatch.setenv("PLACEFIX_CANDIDATES", "3")
    monkeypatch.setenv("PLACEFIX_RERANK", "false")
    found = answer(village)["candidates"]
    assert len(found) == 3
    assert found[0]["mutual_matches"] is None
    found = answer(village, "--candidates", 1, "--rerank")["candidates"]
    assert len(found) == 1
    assert found[0]["mutual_matches"] > 0


def test_map_of_the_environment_is_asked_and_of_several_one_is_named(
    village: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PLACEFIX_MAPS", str(village.map_path))
    assert answer(village)["map"]["name"] == "village"
    monkeypatch.setenv("PLACEFIX_MAPS", f"{village.map_path},{tmp_path}")
    assert answer(village, "--map", village.map_path)["map"]["name"] == "village"
    error = localize(village).exception
    assert isinstance(error, InvalidInput)
    assert f"the settings name 2 maps: say which with --map, {village.map_path} or {tmp_path}" in error.message
    monkeypatch.delenv("PLACEFIX_MAPS")
    error = localize(village).exception
    assert isinstance(error, InvalidInput)
    assert "no map was given" in error.message


def test_limits_of_pictures_are_those_of_the_server(village: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACEFIX_MAX_PIXELS", "1000")
    assert isinstance(localize(village, "--map", village.map_path).exception, TooManyPixels)


def test_what_does_not_fit_or_is_unknown_is_said(village: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACEFIX_SHORTLISTS", "5")
    result = localize(village, "--map", village.map_path)
    assert result.exit_code == 0
    assert "PLACEFIX_SHORTLISTS is not a setting of Placefix" in result.stderr.replace("\n", " ")
    monkeypatch.setenv("PLACEFIX_SEARCHER", "torch")
    error = localize(village, "--map", village.map_path).exception
    assert isinstance(error, InvalidInput)
    assert "PLACEFIX_SEARCHER is no longer a setting: it is always auto" in error.message


def test_results_are_drawn_by_the_settings_too(village: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACEFIX_MAPS", str(village.map_path))
    monkeypatch.setenv("PLACEFIX_RERANK", "true")
    command = ["show", "results", "--queries", village.photos["1.jpg"], "--out", tmp_path / "out", "--candidates", 3]
    result = CliRunner().invoke(app, list(map(str, command)))
    assert result.exit_code == 0, (result.output, result.exception)
    assert len(list((tmp_path / "out").glob("*.png"))) == 2  # the answer, and a sheet
    monkeypatch.setenv("PLACEFIX_MAX_PIXELS", "1000")
    command[command.index(tmp_path / "out")] = tmp_path / "other"
    result = CliRunner().invoke(app, list(map(str, command)))
    assert isinstance(result.exception, TooManyPixels)
    assert not list((tmp_path / "other").glob("*.png"))
