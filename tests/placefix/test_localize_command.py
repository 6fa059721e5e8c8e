"""``placefix localize`` answers as the server does."""

import json
import re
import resource
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from signal import SIGINT, SIGKILL, Signals
from typing import Any

import pytest
from PIL import Image

from model.geo import LatLon
from model.images import open_image
from model.selavpr.selavpr import SelaVPR
from place_map.reader import PlaceMap
from placefix.drawings.matched_candidates import draw_matched_candidates
from placefix.drawings.matches import NamedPhoto
from placefix.exit_codes import ExitCode
from service.schemas.answer import LocalizationAnswer
from service.settings import ServiceSettings
from tests import calibrations
from tests.child_processes import Program
from tests.commands import Finished, RunCommand
from tests.conftest import write_photo
from tests.faults.interrupted_command import interrupt
from tests.service.conftest import Served, Town, build_town, serving

REPOSITORY = Path(__file__).parents[2]


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
        (0.1, "not found: the map copy does not have the place; the first candidate: 10.0% sure"),
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


@pytest.mark.parametrize(
    ("confidence", "flags", "environment", "headline"),
    [
        (0.98, ["--min-confidence", 0.99], "0.05", "60.100000, 24.900000 ± 13 m  uncertain, 98.0% sure"),
        (0.98, ["--min-confidence", 0.98], "0.05", "60.100000, 24.900000 ± 13 m  localized, 98.0% sure"),
        (0.6, ["--max-wrong", 0.25], "0.05", "60.100000, 24.900000 ± 38 m  localized, 60.0% sure"),
        (0.6, ["--max-wrong", 0.05], "0.25", "60.100000, 24.900000 ± 38 m  uncertain, 60.0% sure"),
    ],
)
def test_flags_say_how_sure_an_answer_must_be(
    confidence: float,
    flags: list[object],
    environment: str,
    headline: str,
    localize: RunCommand,
    hamlet: Town,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copy = Path(shutil.copytree(hamlet.map_path, tmp_path / "copy"))
    calibrations.give(copy, calibrations.calibration(confidence))
    monkeypatch.setenv("PLACEFIX_MAX_WRONG", environment)
    asked = ("--map", copy, "--weights", hamlet.weights, "--rerank", "always", "--table")
    output = localize(hamlet.photos["[bold]n[/].jpg"], *asked, *flags).stdout
    assert output.splitlines()[0] == headline


def test_fewer_wrong_answers_than_a_map_can_promise_are_told(
    localize: RunCommand, hamlet: Town, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(hamlet.map_path, tmp_path / "copy"))
    calibrations.give(copy, calibrations.calibration(0.98))
    output = localize(hamlet.photos["c.jpg"], "--map", copy, "--table", "--max-wrong", 0.01).stdout
    assert "uncertain, 98.0% sure" in output
    assert "no confidence promises at most 1% wrong answers" in output


@pytest.mark.parametrize(
    ("flags", "exit_code", "says"),
    [
        (["--max-wrong", 0], 1, "max_wrong: Input should be greater than 0"),
        (["--max-wrong", 1], 1, "max_wrong: Input should be less than 1"),
        (["--max-wrong", "nan"], 1, "max_wrong: Input should be"),
        (["--min-confidence", 1.1], 2, "Invalid value for '--min-confidence'"),
        (["--min-confidence", "nan"], 2, "Invalid value for '--min-confidence'"),
    ],
)
def test_shares_out_of_their_range_are_refused(
    flags: list[object], exit_code: int, says: str, localize: RunCommand, hamlet: Town
) -> None:
    result = localize(hamlet.photos["c.jpg"], "--map", hamlet.map_path, *flags, exit_code=exit_code)
    assert says in " ".join(result.stderr.split())


def test_what_cannot_be_found_is_one_sentence(localize: RunCommand, hamlet: Town, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not a photo")
    result = localize(tmp_path / "text.jpg", "--map", hamlet.map_path, exit_code=1)
    assert result.stderr.startswith("error: ")
    result = localize(hamlet.photos["c.jpg"], "--map", tmp_path / "nowhere", exit_code=1)
    assert "nowhere" in result.stderr
    flags = ("--candidates", 5, "--shortlist", 4)
    result = localize(hamlet.photos["c.jpg"], "--map", hamlet.map_path, *flags, exit_code=1)
    assert "candidates must be between 1 and shortlist, which is 4" in result.stderr


@pytest.mark.parametrize(
    ("names", "flags", "parameters"),
    [
        (["c.jpg"], ["--near", "60.1,24.9", "--within-m", 5000], {"near": "60.1,24.9", "within_m": "5000"}),
        (
            ["c.jpg"],
            ["--near", "60.1,24.95", "--within-m", 90000, "--heading", 15, "--heading-tolerance", 8],
            {"near": "60.1,24.95", "within_m": "90000", "heading": "15", "heading_tolerance": "8"},
        ),
        (["b/south.jpg"], ["--use-exif-position", "--within-m", 9], {"use_exif_position": "true", "within_m": "9"}),
        (["c.jpg", "b/south.jpg", "c.jpg"], ["--together", "place"], {"together": "place"}),
        (
            ["c.jpg", "b/south.jpg"],
            ["--together", "sequence", "--times", "0,9", "--rerank", "always"],
            {"together": "sequence", "times": "0,9", "rerank": "true"},
        ),
    ],
)
def test_priors_and_several_photos_are_answered_as_by_the_server(
    names: list[str],
    flags: list[object],
    parameters: dict[str, str],
    localize: RunCommand,
    hamlet: Town,
    hamlet_server: Served,
) -> None:
    photos = [hamlet.photos[name] for name in names]
    by_command = json.loads(localize(*photos, "--map", hamlet.map_path, *flags).stdout)
    files = [("image", photo.read_bytes()) for photo in photos]
    by_http = hamlet_server.client.post("/localize", files=files, data=parameters).json()
    for answer in (by_command, by_http):
        LocalizationAnswer.model_validate(answer)
        del answer["timings_ms"], answer["request_id"]
    assert by_command == by_http
    assert by_command["candidates"]


def test_people_are_told_what_each_photo_says(localize: RunCommand, hamlet: Town) -> None:
    photos = [hamlet.photos[name] for name in ("c.jpg", "[bold]n[/].jpg")]
    output = localize(*photos, "--map", hamlet.map_path, "--table", "--together", "sequence", "--times", "0,9e5").stdout
    assert "photo 1: c.jpg\n" in output
    assert "photo 2: [bold]n[/].jpg\n" in output
    output = localize(*photos, "--map", hamlet.map_path, "--table", "--together", "place").stdout
    assert "does not speak for it" in output


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--times", "0,1"], "times has no effect without together=sequence"),
        (["--together", "place", "--times", "0,1"], "times has no effect without together=sequence"),
        (["--together", "sequence", "--times", "0"], "times has 1 times for 2 photos"),
        (["--together", "place", "--within-m", 5], "within_m has no effect without near"),
        (["--together", "place", "--near", "1"], "give latitude and longitude in degrees"),
        (["--together", "place", "--near", "1,2", "--within-m", 0], "within_m must be more than 0"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(
    flags: list[object], says: str, localize: RunCommand, hamlet: Town
) -> None:
    photos = [hamlet.photos["c.jpg"]] * 2
    assert says in " ".join(localize(*photos, "--map", hamlet.map_path, *flags, exit_code=1).stderr.split())


def test_no_more_photos_than_the_settings_allow(
    localize: RunCommand, hamlet: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACEFIX_MAX_IMAGES", "2")
    flags = ("--map", hamlet.map_path, "--together", "place")
    assert "3 photos; at most 2" in localize(*[hamlet.photos["c.jpg"]] * 3, *flags, exit_code=1).stderr


def test_a_position_south_of_the_equator_is_no_option(localize: RunCommand, hamlet: Town) -> None:
    answer = json.loads(localize(hamlet.photos["c.jpg"], "--map", hamlet.map_path, "--near", "-33.9,-70.6").stdout)
    assert answer["status"] == "no_candidates"


def test_a_photo_that_does_not_say_where_is_told_before_the_network_is_loaded(
    localize: RunCommand, hamlet: Town, tmp_path: Path
) -> None:
    photo = write_photo(tmp_path / "plain.jpg", 9)
    result = localize(photo, "--map", hamlet.map_path, "--use-exif-position", exit_code=1)
    assert "the photo does not say where it was taken" in result.stderr


@pytest.mark.parametrize("by_server", [False, True])
def test_matches_are_drawn_for_one_photo(
    by_server: bool, localize: RunCommand, hamlet: Town, hamlet_server: Served, tmp_path: Path
) -> None:
    drawn = tmp_path / "matches.png"
    target = ["--server", hamlet_server.url] if by_server else ["--map", hamlet.map_path]
    printed = json.loads(localize(hamlet.photos["c.jpg"], *target, "--matches", drawn).stdout)
    assert printed["matches"]["candidates"][0]["candidate"]["id"] == "c.jpg"
    matched = LocalizationAnswer.model_validate(printed).matches
    assert matched is not None
    with PlaceMap.open(hamlet.map_path) as place_map:
        expected = draw_matched_candidates(
            NamedPhoto(str(hamlet.photos["c.jpg"]), open_image(hamlet.photos["c.jpg"])),
            matched,
            lambda place_id: place_map.thumbnail(place_map.places.row_of(place_id) or 0),
        )
    with Image.open(drawn) as picture:
        assert picture.convert("RGB").tobytes() == expected.tobytes()


def test_a_full_disk_takes_the_picture_of_matches_and_not_the_answer(
    localize: RunCommand, hamlet: Town, tmp_path: Path
) -> None:
    drawn, before = tmp_path / "matches.png", resource.getrlimit(resource.RLIMIT_FSIZE)
    drawn.write_bytes(b"of an earlier run")
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        result = localize(hamlet.photos["c.jpg"], "--map", hamlet.map_path, "--matches", drawn, exit_code=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert json.loads(result.stdout)["candidates"][0]["id"] == "c.jpg"
    assert "matches.png cannot be written: File too large" in " ".join(result.stderr.split())
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("matches.png", b"of an earlier run")]


def test_an_interrupted_drawing_of_matches_leaves_the_earlier_one(
    hamlet: Town, hamlet_server: Served, tmp_path: Path
) -> None:
    folder, count_file = tmp_path / "drawn", tmp_path / "steps"
    drawn, pending = folder / "matches.png", folder / "matches.png.pending"
    folder.mkdir()
    question = ["localize", hamlet.photos["c.jpg"], "--server", hamlet_server.url, "--matches", drawn]

    def ask(interrupted_before: int = 0, sent: Signals = SIGINT) -> int | None:
        hook = partial(interrupt, folder, interrupted_before, sent, count_file)
        with Program(*question, output=tmp_path / "printed", prepare=hook) as process:
            return process.wait(60)

    assert ask() == 0
    steps, whole = int(count_file.read_text()), drawn.read_bytes()
    assert steps == 3  # the folder is made unless it is there, the file is opened, then renamed
    drawn.write_bytes(b"of an earlier run")
    for step in range(1, steps + 1):
        assert ask(step, SIGINT) == ExitCode.INTERRUPTED
        assert list(folder.iterdir()) == [drawn]
        assert ask(step, SIGKILL) == -SIGKILL
        assert drawn.read_bytes() == b"of an earlier run"
    assert pending.exists()  # a killed process cannot take it away; the same command does
    assert ask() == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {drawn.name: whole}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["c.jpg", "b/south.jpg", "--matches", "m.png"], "--matches draws the answer to one photo"),
        (["c.jpg", "--matches", "m.png", "--together", "place"], "--matches draws the answer to one photo"),
        (["c.jpg", "--matches", "m.png", "--out", "a.csv"], "--matches draws the answer to one photo"),
        (["c.jpg", "--matches", "m.jpg"], "--matches m.jpg: the file's name must end in .png"),
        (["c.jpg", "--matches", "nowhere/m.png"], "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_drawn_is_said_before_anything_is_asked(
    arguments: list[str], says: str, localize: RunCommand, hamlet: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [hamlet.photos.get(each, each) for each in arguments]
    result = localize(*given, "--map", hamlet.map_path, exit_code=1)
    assert says in " ".join(result.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_no_picture_is_drawn_where_nothing_matches(localize: RunCommand, hamlet: Town, tmp_path: Path) -> None:
    drawn = tmp_path / "matches.png"
    where = ["--near", "0,0", "--within-m", 1, "--matches", drawn]
    result = localize(hamlet.photos["c.jpg"], "--map", hamlet.map_path, *where)
    assert "is not written: no picture of the map may be the answer" in " ".join(result.stderr.split())
    assert not drawn.exists()
