"""``placefix localize`` answers as the server does."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model.geo import LatLon
from model.selavpr.selavpr import SelaVPR
from service.schemas import LocalizationAnswer
from service.settings import ServiceSettings
from tests import calibrations
from tests.commands import Finished, RunCommand
from tests.service.conftest import Served, Town, build_town, serving


@pytest.fixture(scope="module")
def hamlet(tmp_path_factory: pytest.TempPathFactory, tiny_network: SelaVPR) -> Town:
    positions = {
        "[bold]n[/].jpg": LatLon(60.1, 24.9),
        "b/south.jpg": LatLon(60.0, 24.95),
        "c.jpg": LatLon(60.2, 25),
    }
    return build_town(tmp_path_factory.mktemp("hamlet"), "hamlet", tiny_network, positions, first_seed=400)


@pytest.fixture(scope="module")
def hamlet_server(hamlet: Town) -> Iterator[Served]:
    with serving(ServiceSettings(maps=(hamlet.map_path,))) as served:
        served.wait_until_ready()
        yield served


@pytest.fixture
def localize(command: RunCommand) -> RunCommand:
    def run(*arguments: object, exit_code: int = 0) -> Finished:
        result = command("localize", *arguments)
        assert result.returncode == exit_code, result.stdout + result.stderr
        return result

    return run


@pytest.mark.parametrize(
    ("flags", "parameters"),
    [
        ([], {}),
        (["--rerank", "--candidates", 2], {"rerank": "true", "candidates": 2}),
        (["--no-rerank", "--shortlist", 1], {"rerank": "false", "shortlist": 1}),
    ],
)
def test_the_json_is_the_answer_of_the_server(
    flags: list[object], parameters: dict[str, Any], localize: RunCommand, hamlet: Town, hamlet_server: Served
) -> None:
    photo = hamlet.photos["b/south.jpg"]
    by_command = json.loads(localize(photo, "--map", hamlet.map_path, *flags).stdout)
    by_http = hamlet_server.client.post("/localize", content=photo.read_bytes(), params=parameters).json()
    LocalizationAnswer.model_validate(by_command)
    assert list(by_command) == list(by_http)
    assert list(by_command["timings_ms"]) == list(by_http["timings_ms"])
    for answer in (by_command, by_http):
        del answer["timings_ms"], answer["request_id"]
    assert by_command == by_http


def test_people_get_a_position_and_a_table(localize: RunCommand, hamlet: Town) -> None:
    output = localize(hamlet.photos["[bold]n[/].jpg"], "--map", hamlet.map_path, "--table").stdout
    assert output.startswith("60.100000, 24.900000  uncalibrated, nobody knows how sure\n")
    assert "[bold]n[/].jpg" in output
    assert "b/south.jpg" in output
    assert "map hamlet, version 000001" in output
    assert "not re-ranked: the network is not trained" in output
    assert "the map has 3 pictures: add 102 more, or give placefix calibrate --queries photos" in output


@pytest.mark.parametrize(
    ("confidence", "headline"),
    [
        (0.98, "60.100000, 24.900000 ± 13 m  localized, 98.0% sure"),
        (0.6, "60.100000, 24.900000 ± 38 m  uncertain, 60.0% sure"),
        (0.3, "60.100000, 24.900000  uncertain, 30.0% sure"),
        (0.1, "not found: the map copy does not have the place; of the first one 10.0% sure"),
    ],
)
def test_people_are_told_how_sure_an_answer_is(
    confidence: float, headline: str, localize: RunCommand, hamlet: Town, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(hamlet.map_path, tmp_path / "copy"))
    calibrations.give(copy, calibrations.calibration(confidence))
    asked = ("--map", copy, "--weights", hamlet.weights, "--rerank", "always", "--table")
    head, *lines = localize(hamlet.photos["[bold]n[/].jpg"], *asked).stdout.splitlines()
    assert head == headline
    assert any("b/south.jpg" in line for line in lines)  # candidates are shown in any case
    [evidence] = [line for line in lines if line.endswith("of another place")]
    assert re.fullmatch(r"[0-9]+ matches, [0-9]+ of another place", evidence)
    assert not any("calibrate" in line for line in lines)


def test_what_cannot_be_found_is_one_sentence(localize: RunCommand, hamlet: Town, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not a photo")
    result = localize(tmp_path / "text.jpg", "--map", hamlet.map_path, exit_code=1)
    assert result.stderr.startswith("error: ")
    result = localize(hamlet.photos["c.jpg"], "--map", tmp_path / "nowhere", exit_code=1)
    assert "nowhere" in result.stderr
    flags = ("--candidates", 5, "--shortlist", 4)
    result = localize(hamlet.photos["c.jpg"], "--map", hamlet.map_path, *flags, exit_code=1)
    assert "candidates must be between 1 and shortlist, which is 4" in result.stderr
