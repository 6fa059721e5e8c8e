"""``placefix localize`` with folders, several photos, standard input, a server, and files of answers."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from model.errors import PlacefixError
from model.picture_errors import CorruptImage
from placefix.answers import asker as askers
from placefix.answers.asking_all import ask_all
from placefix.answers.photos import GivenPhoto
from placefix.asking import AskedMap
from placefix.client.client import Client
from placefix.client.errors import ServerUnreachable
from placefix.client.question import Photo
from service.key_file import append_key
from service.keys import Scope, make_key
from service.schemas.answer import LocalizationAnswer
from tests.commands import Finished, RunCommand
from tests.placefix.answers.answers import answer
from tests.service.conftest import Serve, Served, Town


@pytest.fixture
def folder(town: Town, tmp_path: Path) -> Path:
    """Return three photos, one of them cut off."""
    photos = tmp_path / "photos"
    (photos / "sub").mkdir(parents=True)
    shutil.copy(town.photos["100%.jpg"], photos / "1.jpg")
    shutil.copy(town.photos["a+b&c.jpg"], photos / "sub" / "3.jpg")
    (photos / "2.jpg").write_bytes(town.photos["a+b&c.jpg"].read_bytes()[:2000])
    return photos


@pytest.fixture
def localize(command: RunCommand, town: Town) -> RunCommand:
    def run(*arguments: object, exit_code: int = 0, of_map: bool = True) -> Finished:
        result = command("localize", *arguments, *(("--map", town.map_path) if of_map else ()))
        assert result.returncode == exit_code, result.stdout + result.stderr
        return result

    return run


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_a_folder_is_a_line_for_each_photo(localize: RunCommand, folder: Path) -> None:
    found = lines(localize(folder, exit_code=3).stdout)
    assert [each["photo"] for each in found] == [str(folder / name) for name in ("1.jpg", "2.jpg", "sub/3.jpg")]
    assert [each["status"] for each in found] == ["uncalibrated", "failed", "uncalibrated"]
    assert found[0]["candidates"][0]["id"] == "100%.jpg"
    assert found[1]["code"] == "corrupt_image"
    assert next(iter(found[2])) == "photo"


def test_people_get_a_table(localize: RunCommand, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(folder.parent)
    output = localize("photos", "--table", exit_code=3).stdout
    assert "3 photos: 2 uncalibrated, 1 failed" in output
    assert [line.split()[1] for line in output.splitlines() if line.startswith("  photos/")] == [
        "uncalibrated",
        "failed",
        "uncalibrated",
    ]
    [failed] = [line for line in output.splitlines() if line.startswith("photos/2.jpg: ")]
    assert failed.startswith("photos/2.jpg: starts like JPEG, but cannot be decoded")


def test_a_server_gives_the_same_rows(localize: RunCommand, folder: Path, town_server: Served, tmp_path: Path) -> None:
    localize(folder, "--out", tmp_path / "here.csv", exit_code=3)
    result = localize(folder, "--out", tmp_path / "there.csv", "--server", town_server.url, exit_code=3, of_map=False)
    assert f"{tmp_path / 'there.csv'}: 3 photos: 2 uncalibrated, 1 failed" in result.stdout
    here, there = rows(tmp_path / "here.csv"), rows(tmp_path / "there.csv")
    for row in (*here, *there):
        del row["request_id"]
    assert here == there
    assert here[1]["error"] == "corrupt_image"


@pytest.mark.parametrize("suffix", [".geojson", ".gpx", ".parquet", ".jsonl"])
def test_every_kind_of_file_is_written(suffix: str, localize: RunCommand, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / f"answers{suffix}"
    localize(folder / "1.jpg", "--out", out)
    assert out.stat().st_size > 100
    assert sorted(path.name for path in tmp_path.iterdir()) == [out.name, "photos"]


def test_standard_input_is_asked_about(localize: RunCommand, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    feed((folder / "1.jpg").read_bytes())
    assert json.loads(localize("-").stdout)["candidates"][0]["id"] == "100%.jpg"
    feed(f"{folder / '1.jpg'}\n{folder / 'sub'}\n".encode())
    assert len(lines(localize("-").stdout)) == 2


def test_an_interrupted_run_is_continued(
    localize: RunCommand, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "answers.csv"
    asked: list[Path] = []
    ask = AskedMap.answer

    def interrupted(self: AskedMap, photos: Sequence[Path | bytes]) -> LocalizationAnswer:
        [photo] = photos
        assert isinstance(photo, Path)
        asked.append(photo)
        if photo.name == "3.jpg" and len(asked) == 3:
            raise KeyboardInterrupt
        return ask(self, photos)

    monkeypatch.setattr(AskedMap, "answer", interrupted)
    result = localize(folder, "--out", out, exit_code=130)
    assert "interrupted. The same command continues." in result.stderr
    assert not out.exists()
    localize(folder, "--out", out, exit_code=3)
    assert [photo.name for photo in asked] == ["1.jpg", "2.jpg", "3.jpg", "2.jpg", "3.jpg"]
    assert [row["status"] for row in rows(out)] == ["uncalibrated", "failed", "uncalibrated"]
    assert not list(tmp_path.glob("*.unfinished.jsonl"))


def test_a_file_that_is_there_is_left_alone(localize: RunCommand, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    out.write_text("mine")
    result = localize(folder / "1.jpg", "--out", out, exit_code=1)
    assert "is there already: give another name, or --restart" in result.stderr
    assert out.read_text() == "mine"
    localize(folder / "1.jpg", "--out", out, "--restart")
    assert len(rows(out)) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--out", "answers.doc"], "its suffix says what it will be"),
        (["--restart"], "--restart has no effect without --out"),
        (["--out", "a.csv", "--json"], "have no effect with --out"),
        (["--key", "x"], "--key has no effect without --server"),
        (["--together", "place", "--out", "a.csv"], "leave one out"),
        (["http://example.org/1.jpg"], "is an address, and photos are not fetched from elsewhere"),
        (["--near", "1"], "give latitude and longitude"),
        (["--server", "http://127.0.0.1:1", "--device", "cpu"], "--device has no effect with --server"),
        (["--server", "localhost"], "is not an address of a server"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_loaded(
    arguments: list[str], says: str, localize: RunCommand, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a map was opened")

    monkeypatch.setattr(askers, "opened_map", opened)
    monkeypatch.chdir(folder)
    assert says in " ".join(localize(folder, *arguments, exit_code=1).stderr.split())
    assert sorted(path.name for path in folder.iterdir()) == ["1.jpg", "2.jpg", "sub"]


def test_what_cannot_be_asked_leaves_nothing_behind(localize: RunCommand, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    nobody = ("--server", "http://127.0.0.1:1")
    assert "is the server running" in localize(folder, "--out", out, *nobody, exit_code=1, of_map=False).stderr
    assert "no map was given" in localize(folder, "--out", out, exit_code=1, of_map=False).stderr
    localize(folder, "--out", out, "--map", tmp_path / "nowhere", exit_code=1, of_map=False)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_key_opens_a_server_and_one_of_its_maps_is_named(
    localize: RunCommand,
    folder: Path,
    town: Town,
    village: Town,
    serve: Serve,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, line = make_key("me", [Scope.READ])
    append_key(tmp_path / "keys", "me", line)
    served = serve(town, village, keys=tmp_path / "keys")
    asked = (folder / "1.jpg", "--server", served.url, "--map", "village")
    assert "key_missing" in localize(*asked, exit_code=1, of_map=False).stderr
    assert json.loads(localize(*asked, "--key", key, of_map=False).stdout)["map"]["name"] == "village"
    monkeypatch.setenv("PLACEFIX_KEY", key)
    assert json.loads(localize(*asked, of_map=False).stdout)["map"]["name"] == "village"
    monkeypatch.setenv("PLACEFIX_WEIGHTS", "of a map here")  # not given in the command line, so no contradiction
    assert json.loads(localize(*asked, of_map=False).stdout)["map"]["name"] == "village"


def test_a_server_that_goes_away_ends_the_run_and_the_same_command_continues(
    localize: RunCommand, folder: Path, town_server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "answers.csv"
    (folder / "2.jpg").unlink()
    arguments = (folder, "--out", out, "--server", town_server.url)
    ask = Client.localize
    asked: list[object] = []

    def gone(self: Client, *photos: Photo, **question: Any) -> LocalizationAnswer:
        asked.append(photos)
        if len(asked) == 2:
            raise ServerUnreachable("the server is gone")
        return ask(self, *photos, **question)

    monkeypatch.setattr(askers, "_REQUESTS_AT_A_TIME", 1)
    monkeypatch.setattr(Client, "localize", gone)
    result = localize(*arguments, exit_code=1, of_map=False)
    assert "1 of 2 photos have an answer: the same command continues" in result.stderr
    assert "the server is gone" in result.stderr
    localize(*arguments, of_map=False)
    assert len(asked) == 3
    assert [row["status"] for row in rows(out)] == ["uncalibrated", "uncalibrated"]


def test_photos_are_asked_about_in_their_order_and_one_that_fails_is_no_end() -> None:
    def ask(photos: Sequence[Path | bytes]) -> LocalizationAnswer:
        [photo] = photos
        if photo == b"3":
            raise CorruptImage("it is broken")
        return answer(version=bytes(photo).decode() if isinstance(photo, bytes) else "")

    photos = [GivenPhoto(str(number), str(number).encode()) for number in range(9)]
    outcomes = list(ask_all(photos, ask, 4))
    assert [outcome.photo for outcome in outcomes] == list("012345678")
    assert [outcome.row()["map_version"] or outcome.row()["error"] for outcome in outcomes] == [
        *"012",
        "corrupt_image",
        *"45678",
    ]


def test_another_error_ends_it() -> None:
    def ask(photos: Sequence[Path | bytes]) -> LocalizationAnswer:
        if photos == [b"2"]:
            raise PlacefixError("the server is gone")
        return answer()

    photos = [GivenPhoto(str(number), str(number).encode()) for number in range(9)]
    outcomes = ask_all(photos, ask, 2)
    assert next(outcomes).photo == "0"
    assert next(outcomes).photo == "1"
    with pytest.raises(PlacefixError, match="the server is gone"):
        next(outcomes)
