"""The preparation of ``make serve`` and ``docker compose up``: the demo, or a folder of photos."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from demo.__main__ import app
from demo.prepare import (
    DEMO_SHORTLIST,
    FOLDERS,
    SETTINGS,
    check_readable,
    demo_files,
    name_of_map,
    note_folder,
    prepare_demo,
    prepare_photos,
)
from demo.shipped import ShippedTown
from index_builder.target import map_name_of
from model.errors import InvalidInput
from model.geo import LatLon
from model.progress import Progress
from model.starter.network import Starter
from place_map.reader import PlaceMap
from place_map.versions import read_manifest
from placefix.exit_codes import ExitCode
from service.settings import load_settings
from service.settings_file import settings_from
from tests.commands import InThisProcess
from tests.conftest import write_photo
from tests.waiting import PATIENCE_S, wait_until

REPOSITORY = Path(__file__).parents[2]

Silent = Callable[[str], AbstractContextManager[Progress]]


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run builds in this process; in the test of Ctrl-C they are processes of their own."""
    monkeypatch.setattr("demo.prepare.subprocess", SimpleNamespace(Popen=partial(InThisProcess, monkeypatch)))


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    folder = tmp_path / "my walk"
    for number in range(3):
        write_photo(folder / f"{number}.jpg", number, LatLon(55.7 + number / 1000, 13.2))
    return folder


def test_the_demo_is_built_and_named_in_the_settings(town: ShippedTown, silent: Silent, tmp_path: Path) -> None:
    assert prepare_demo(tmp_path / "served", silent, town)
    assert not prepare_demo(tmp_path / "served", silent, town)
    files = demo_files(tmp_path / "served")
    settings = load_settings({}, settings_from(tmp_path / "served" / SETTINGS))
    assert settings.maps == (files.map,)
    assert settings.samples == files.samples
    assert settings.weights == str(files.weights)
    assert settings.shortlist == DEMO_SHORTLIST


@pytest.mark.usefixtures("in_process")
def test_photos_become_a_map_by_the_starter_and_follow_their_folder(walk: Path, tmp_path: Path) -> None:
    """Without anything in the cache of weights; an unreadable photo is left out and does not keep it from serving."""
    out = tmp_path / "served"
    assert prepare_photos(walk, map_name_of(walk), out) == 0
    settings = load_settings({}, settings_from(out / SETTINGS))
    assert settings.maps == (out / "maps" / "my-walk",)
    assert settings.samples is None
    manifest = read_manifest(settings.maps[0])
    assert (manifest.network.family, manifest.network.is_trained) == ("starter", True)
    assert (manifest.preparation.size, manifest.features.match_floor) == (Starter.needs.size, Starter.match_floor)
    write_photo(walk / "3.jpg", 3, LatLon(55.71, 13.2))
    assert prepare_photos(walk, map_name_of(walk), out) == 0
    with PlaceMap.open(settings.maps[0]) as place_map:
        assert place_map.version == "000002"
        assert len(place_map) == 4


def test_ctrl_c_is_left_to_the_build_which_says_how_it_goes_on(
    walk: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for number in range(80):
        write_photo(walk / f"{number}.jpg", number, LatLon(55 + number / 1000, 13.2), size=(32, 32))
    out, log = tmp_path / "served", tmp_path / "log"
    command = [sys.executable, "-m", "demo", "prepare", "--photos", str(walk), "--out", str(out)]
    plan = out / "maps" / ".my-walk.building" / "plan.json"
    with (
        log.open("w") as printed,
        subprocess.Popen(command, cwd=REPOSITORY, stdout=printed, stderr=printed, start_new_session=True) as process,
    ):
        wait_until(lambda: process.poll() is not None or plan.exists(), log.read_text)
        assert process.poll() is None, log.read_text()
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of them
        assert process.wait(PATIENCE_S) == ExitCode.INTERRUPTED, log.read_text()
    assert "interrupted; nothing was published. The same command continues" in log.read_text()
    assert "Traceback" not in log.read_text()
    assert not (out / SETTINGS).exists()
    request.getfixturevalue("in_process")
    assert prepare_photos(walk, "my-walk", out) == 0
    with PlaceMap.open(out / "maps" / "my-walk") as place_map:
        assert len(place_map) == 80


@pytest.mark.usefixtures("in_process")
def test_a_folder_without_positions_is_told_and_nothing_is_served(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_photo(tmp_path / "photos" / "0.jpg", 0)
    assert prepare_photos(tmp_path / "photos", "photos", tmp_path / "served") == ExitCode.ERROR
    assert not (tmp_path / "served" / SETTINGS).exists()
    told = " ".join(capfd.readouterr().err.split())
    assert "no picture can go into a map" in told
    assert "a CSV file with the columns path, latitude and longitude" in told


@pytest.mark.usefixtures("in_process")
def test_the_command_says_what_is_served_and_where(walk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a folder whose ~ the shell has left as it is."""
    monkeypatch.setenv("HOME", str(walk.parent))
    write_photo(walk / "nowhere.jpg", 9)
    out = walk.parent / "served"
    given = ["prepare", "--photos", "~/my walk", "--out", str(out), "--served-at", "http://192.0.2.1:81"]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, (result.output, result.exception)
    assert "The map my-walk is served from now on" in result.output
    assert "http://192.0.2.1:81" in result.output
    assert "nowhere.jpg: its EXIF block has no GPS position" in " ".join(result.output.split())


@pytest.mark.usefixtures("in_process")
def test_two_folders_of_one_name_have_two_maps(walk: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "served", tmp_path / "other" / "my walk"
    assert name_of_map(walk, walk, out) == "my-walk"
    assert prepare_photos(walk, "my-walk", out) == 0
    assert name_of_map(walk, walk, out) == "my-walk"
    assert name_of_map(other, other, out) == "my-walk-2"


@pytest.mark.usefixtures("in_process")
def test_two_folders_that_are_mounted_at_one_path_have_two_maps(walk: Path, tmp_path: Path) -> None:
    """Read every folder at /photos, as in a container."""
    out, mounted = tmp_path / "served", tmp_path / "photos"
    walk.rename(mounted)

    def prepare(photos: str, exit_code: int = 0) -> str:
        result = CliRunner().invoke(
            app, ["prepare", "--photos", photos, "--mounted-at", str(mounted), "--out", str(out)]
        )
        assert result.exit_code == exit_code, (result.output, result.exception)
        return result.output

    def positions(name: str) -> list[float]:
        with PlaceMap.open(out / "maps" / name) as place_map:
            return list(place_map.places.latitudes)

    prepare("/home/me/walk")
    assert positions("walk") == pytest.approx([55.7, 55.701, 55.702])
    shutil.rmtree(mounted)
    write_photo(mounted / "0.jpg", 7, LatLon(48.2, 16.3))
    told = prepare("/home/you/walk")
    assert "The map walk is of another folder, and stays as it is; the map of /home/you/walk is called walk-2" in told
    assert positions("walk") == pytest.approx([55.7, 55.701, 55.702])
    assert positions("walk-2") == pytest.approx([48.2])
    write_photo(mounted / "1.jpg", 8, LatLon(48.21, 16.3))
    assert "stays as it is" in prepare("/home/you/walk/")
    assert positions("walk-2") == pytest.approx([48.2, 48.21])
    assert json.loads((out / FOLDERS).read_bytes()) == {"walk": "/home/me/walk", "walk-2": "/home/you/walk"}


@pytest.mark.usefixtures("in_process")
def test_a_map_that_was_mounted_before_folders_were_noted_becomes_that_of_the_first(walk: Path, tmp_path: Path) -> None:
    out, mine = tmp_path / "served", Path("/home/me/my walk")
    assert prepare_photos(walk, "my-walk", out) == 0
    assert name_of_map(mine, walk, out) == "my-walk"
    note_folder("my-walk", mine, out)
    assert name_of_map(mine, walk, out) == "my-walk"
    assert name_of_map(Path("/home/you/my walk"), walk, out) == "my-walk-2"


@pytest.mark.parametrize("content", ["{", "[]", "\udcff"])
def test_a_damaged_note_of_folders_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / FOLDERS).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidInput, match=r"folders.json is damaged.*remove it"):
        name_of_map(Path("/home/me/walk"), tmp_path, tmp_path)


def test_a_folder_that_may_not_be_read_is_told_by_its_own_name(walk: Path, tmp_path: Path) -> None:
    check_readable(walk, walk)
    check_readable(tmp_path / "nowhere", walk)  # the build reports it
    is_root = os.geteuid() == 0  # this user may read everything
    walk.chmod(0)
    if is_root:
        os.seteuid(65534)
    try:
        with pytest.raises(
            InvalidInput, match=r"^my photos cannot be read by the user \d+.*chmod -R a\+rX 'my photos'$"
        ):
            check_readable(walk, Path("my photos"))
    finally:
        if is_root:
            os.seteuid(0)
        walk.chmod(0o755)


@pytest.mark.parametrize(
    ("source", "name"), [("walk", "walk"), ("Straße in Köln (2024)", "Strasse-in-Koeln-2024"), ("...", "map")]
)
def test_a_map_is_called_after_its_folder(source: str, name: str, tmp_path: Path) -> None:
    assert map_name_of(tmp_path / source) == name


def test_a_map_of_a_list_is_called_after_the_list(tmp_path: Path) -> None:
    (tmp_path / "photos.csv").touch()
    assert map_name_of(tmp_path / "photos.csv") == "photos"
