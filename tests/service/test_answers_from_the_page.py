"""Files of answers from the page are those that the command line writes."""

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gpxpy
import pytest

from benchmarks.browser import Tab
from placefix.answers.files import write_answers
from placefix.answers.outcome import Outcome
from service.settings import ServiceSettings
from tests.commands import run_command
from tests.service.conftest import Served, Town, serving
from tests.waiting import wait_until

STATUSES = ["localized", "uncertain", "not_found", "uncalibrated"]


@pytest.fixture(scope="module")
def server(judged_towns: dict[str, Town]) -> Iterator[Served]:
    maps = tuple(each.map_path for each in judged_towns.values())
    with serving(ServiceSettings(maps=maps)) as served:
        served.wait_until_ready()
        yield served


@pytest.fixture
def photos(town: Town, tmp_path: Path) -> Path:
    """Make a folder of photos, with names that are hard to write, and a file that is not a picture."""
    folder = tmp_path / "walk"
    folder.mkdir()
    for name, place_id in (
        ("1.jpg", "a street/1.jpg"),
        ('2, "two" <&>.jpg', "a street/2.jpg"),
        ("ä ö.jpg", "100%.jpg"),
    ):
        shutil.copy(town.photos[place_id], folder / name)
    (folder / "4.jpg").write_text("no picture")
    return folder


def saved(tab: Tab, server: Served, map_name: str, photos: Path, folder: Path) -> dict[str, Path]:
    """Ask about photos on the page, and return the files that it hands out, by their suffix."""
    folder.mkdir()
    tab.save_to(folder)
    tab.go(f"{server.url}/#map={map_name}&mode=many")
    tab.wait_for("document.querySelector('.none')")
    tab.drop([photos])
    tab.wait_for("document.querySelector('.done')?.textContent === '4 of 4 done'")
    tab.wait_for("document.querySelector('.files span').textContent === '4 answers as a file'")
    tab.run("for (const each of document.querySelectorAll('.files button')) each.click()")
    paths = {suffix: folder / f"places.{suffix}" for suffix in ("csv", "geojson", "gpx", "jsonl")}
    wait_until(lambda: all(path.exists() for path in paths.values()))
    return paths


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def waypoints(path: Path) -> list[tuple[Any, ...]]:
    gpx = gpxpy.parse(path.read_text("utf-8"))
    return [(gpx.creator, p.latitude, p.longitude, p.name, p.type, p.description) for p in gpx.waypoints]


@pytest.mark.parametrize("status", STATUSES)
def test_a_file_from_the_page_is_what_the_command_writes_for_the_same_answers(
    status: str, tab: Tab, server: Served, photos: Path, tmp_path: Path
) -> None:
    page = saved(tab, server, status, photos, tmp_path / "page")
    lines = page["jsonl"].read_text("utf-8").splitlines()
    outcomes = [Outcome.from_json(line) for line in lines]
    assert [each.status for each in outcomes] == [status, status, "failed", status]
    own = {suffix: tmp_path / f"own.{suffix}" for suffix in page}
    for path in own.values():
        write_answers(path, outcomes)
    assert page["csv"].read_bytes() == own["csv"].read_bytes()
    assert json.loads(page["geojson"].read_text("utf-8")) == json.loads(own["geojson"].read_text("utf-8"))
    assert [json.loads(line) for line in lines] == [
        json.loads(line) for line in own["jsonl"].read_text("utf-8").splitlines()
    ]
    assert waypoints(page["gpx"]) == waypoints(own["gpx"])
    assert len(waypoints(page["gpx"])) == (0 if status == "not_found" else 3)


def test_a_file_from_the_page_is_what_the_command_writes_when_it_asks_itself(
    tab: Tab,
    server: Served,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = table(saved(tab, server, "localized", photos, tmp_path / "page")["csv"])
    monkeypatch.chdir(photos.parent)
    options = ("--server", server.url, "--map", "localized", "--out", tmp_path / "command.csv")
    assert run_command(capsys, monkeypatch, "localize", "walk", *options).returncode == 3
    command = table(tmp_path / "command.csv")
    for row in (*page, *command):
        del row["request_id"]
    assert page == command
    assert command[2]["reason"].startswith("is not a picture")


NUMBERS = """
    import(document.querySelector("script[type=module]").src.replace("page.js", "work/numbers.js"))
    .then(({ writeFixed, writeFloat, writeGeneral }) =>
      [%s, %s].map((values) => values.map((each) => [writeFloat(each), writeFixed(each, 1), writeGeneral(each)])))
"""


def test_numbers_are_written_as_python_does(tab: Tab, server: Served) -> None:
    halves = [0.25, 0.35, 98.25, 98.75, 12.0, 0.05, 100.0, -123.45, 0.0, 1.5]
    others = [0.95, 0.123456789, 55.70584, 3.14159265, 87.5, 0.0001, 123456.0, -0.25, 7.0, 9.95]
    tab.go(server.url)
    tab.wait_for("document.querySelector('#prior button')")
    found = tab.run(NUMBERS % (halves, others))
    expected = [[[repr(each), format(each, ".1f"), format(each, "g")] for each in some] for some in (halves, others)]
    assert found == expected
