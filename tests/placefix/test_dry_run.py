"""``placefix build --dry-run``: what collections hold, without a network."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.geo import LatLon
from placefix.command_line import app
from tests.conftest import write_photo


def build(*arguments: object, exit_code: int = 0) -> str:
    command = ["build", "--dry-run", "--weights", "nowhere", *map(str, arguments)]
    result = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result.output + str(result.exception or "")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(4):
        write_photo(tmp_path / "photos" / f"{number}.jpg", number, LatLon(55.7 + number / 1000, 13.2))
    write_photo(tmp_path / "photos" / "where.jpg", 9)
    (tmp_path / "photos" / "scan.tif").touch()
    return tmp_path / "photos"


def test_everything_is_said_and_nothing_is_built(photos: Path, tmp_path: Path) -> None:
    output = build("--source", photos, "--out", tmp_path / "maps" / "town")
    for expected in (
        "5, 4 with a position",
        "1 no_position: where.jpg",
        "1 .tif",
        "55.70000° to 55.70300° N",
        "111 m apart (median)",
    ):
        assert expected in output
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["town.left_out.csv"]
    with (tmp_path / "maps" / "town.left_out.csv").open() as file:
        [line] = csv.DictReader(file)
    assert (line["path"], line["outcome"], line["code"]) == ("where.jpg", "skipped", "no_position")


def test_where_nothing_can_be_placed_the_reasons_are_told(photos: Path, tmp_path: Path) -> None:
    output = build("--source", photos, "--exclude", "[0-9]*", "--out", tmp_path / "town", exit_code=1)
    assert "no picture can go into a map" in output
    assert "The likeliest reasons: cameras write positions" in output


def test_two_pictures_of_one_id_are_refused(photos: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "more" / "1.jpg", 7, LatLon(55.7, 13.2))
    output = build("--source", photos, "--source", tmp_path / "more", "--out", tmp_path / "town", exit_code=1)
    assert "two pictures have the id '1.jpg'" in output


def test_options_of_reading_reach_the_reader(photos: Path, tmp_path: Path) -> None:
    output = build("--source", photos, "--exclude", "where*", "--exclude", "3*", "--out", tmp_path / "town")
    assert "3, 3 with a position" in output
    assert "2 by --exclude" in output
    assert not (tmp_path / "town.left_out.csv").exists()
