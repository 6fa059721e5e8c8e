"""``placefix geotag`` writes positions that are sure enough, keeps others, and removes its own again."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from index_builder.sources.read import read_source
from model.geo import LatLon
from placefix.answers import asker as askers
from placefix.geotagging import exif_writers
from placefix.geotagging.exif_writers import ExiftoolWriter, ExifWriter, JpegWriter
from tests.commands import Finished, RunCommand
from tests.conftest import write_photo
from tests.service.conftest import Served, Town

EXIFTOOL = shutil.which("exiftool")
needs_exiftool = pytest.mark.skipif(EXIFTOOL is None, reason="the program exiftool is not installed")


@pytest.fixture
def folder(town: Town, tmp_path: Path) -> Path:
    """Return two photos without a position, one with one, and one that is cut off."""
    photos = tmp_path / "photos"
    (photos / "sub").mkdir(parents=True)
    for source, name in (("100%.jpg", "1.jpg"), ("a+b&c.jpg", "sub/3.jpg")):
        with Image.open(town.photos[source]) as image:
            image.save(photos / name, quality="keep")
    write_photo(photos / "placed.jpg", 3, LatLon(55.7, 13.2))
    (photos / "2.jpg").write_bytes((photos / "1.jpg").read_bytes()[:2000])
    return photos


@pytest.fixture
def geotag(command: RunCommand, judged_towns: dict[str, Town]) -> RunCommand:
    def run(*arguments: object, exit_code: int = 3, status: str = "localized") -> Finished:
        is_asked = "--remove" not in arguments
        result = command("geotag", *arguments, *(("--map", judged_towns[status].map_path) if is_asked else ()))
        assert result.returncode == exit_code, result.stdout + result.stderr
        return result

    return run


@pytest.fixture(params=["here", pytest.param("exiftool", marks=needs_exiftool)])
def writer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ExifWriter:
    chosen = JpegWriter() if request.param == "here" else ExiftoolWriter(str(EXIFTOOL))
    monkeypatch.setattr("placefix.geotagging.write_back.exif_writer", lambda: chosen)
    return chosen


def state(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def read_by_exiftool(file: Path) -> dict[str, Any]:
    done = subprocess.run([str(EXIFTOOL), "-j", "-n", "-G1", str(file)], capture_output=True, check=True)
    [found] = json.loads(done.stdout)
    return dict(found)


def scans_of(photo: Path) -> bytes:
    content = photo.read_bytes()
    return content[content.index(b"\xff\xdb") :]


def test_xmp_lies_beside_the_photos(geotag: RunCommand, folder: Path) -> None:
    before = state(folder)
    output = geotag(folder, "--write", "xmp").stdout
    assert output == "4 photos: 2 written, 1 failed, 1 has a position\n"
    after = state(folder)
    assert set(after) - set(before) == {"1.jpg.xmp", "sub/3.jpg.xmp"}
    assert before.items() <= after.items()
    assert geotag(folder, "--write", "xmp").stdout == "4 photos: 2 have an estimate, 1 failed, 1 has a position\n"
    assert state(folder) == after
    geotag(folder, "--remove", exit_code=0)
    assert state(folder) == before


def test_a_dry_run_changes_nothing_and_shows_a_table(
    geotag: RunCommand, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(folder)
    before = state(folder)
    output = geotag(".", "--write", "xmp", "--dry-run").stdout
    assert state(folder) == before
    [first] = [line for line in output.splitlines() if line.split()[:1] == ["1.jpg"]]
    assert "would be written" in first
    assert "3 m" in first
    assert "98.0%" in first
    assert "2 would be written" in output
    [placed] = [line for line in output.splitlines() if line.split()[:1] == ["placed.jpg"]]
    assert "has a position" in placed


@pytest.mark.usefixtures("writer")
def test_exif_goes_into_copies(geotag: RunCommand, folder: Path, tmp_path: Path) -> None:
    before, copies = state(folder), tmp_path / "copies"
    geotag(folder, "--write", "exif", "--out", copies)
    assert state(folder) == before
    assert list(state(copies)) == ["1.jpg", "sub/3.jpg"]
    for name in state(copies):
        assert scans_of(copies / name) == scans_of(folder / name)
        assert (copies / name).stat().st_mtime_ns == (folder / name).stat().st_mtime_ns
    listing = read_source(copies)  # a map is not built from positions of another map
    assert listing.places == ()
    assert {left.code for left in listing.left_out} == {"estimated"}
    told = geotag(folder, "--write", "exif", "--out", copies).stdout  # as after an interruption
    assert told == "4 photos: 2 have an estimate, 1 failed, 1 has a position\n"
    shutil.copy(folder / "1.jpg", copies / "1.jpg")
    assert "is there already, and has no estimate" in geotag(folder, "--write", "exif", "--out", copies).stderr


@pytest.mark.usefixtures("writer")
def test_photos_are_changed_in_place_with_a_backup(geotag: RunCommand, folder: Path) -> None:
    before = state(folder)
    scans = scans_of(folder / "1.jpg")
    geotag(folder, "--write", "exif", "--in-place")
    after = state(folder)
    assert set(after) - set(before) == {"1.jpg_original", "sub/3.jpg_original"}
    assert after["1.jpg_original"] == before["1.jpg"]
    assert after["1.jpg"] != before["1.jpg"]
    assert after["placed.jpg"] == before["placed.jpg"]
    assert scans_of(folder / "1.jpg") == scans
    geotag(folder, "--remove", exit_code=0)
    assert {left.code for left in read_source(folder).left_out} == {"no_position"}
    assert scans_of(folder / "1.jpg") == scans


def test_removing_gives_the_very_files_back(geotag: RunCommand, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placefix.geotagging.write_back.exif_writer", JpegWriter)
    before = state(folder)
    geotag(folder, "--write", "exif", "--in-place")
    geotag(folder, "--write", "exif", "--in-place")  # the estimates count as done, and the backups stay
    assert geotag(folder, "--remove", "--dry-run", exit_code=0).stdout.endswith(
        "2 would be taken away, 2 without an estimate\n"
    )
    assert geotag(folder, "--remove", exit_code=0).stdout == "4 photos: 2 taken away, 2 without an estimate\n"
    assert state(folder) == before


@needs_exiftool
@pytest.mark.usefixtures("writer")
def test_exiftool_reads_what_is_written(geotag: RunCommand, folder: Path, town: Town) -> None:
    position = town.positions["100%.jpg"]
    geotag(folder / "1.jpg", "--write", "xmp", exit_code=0)
    beside = read_by_exiftool(folder / "1.jpg.xmp")
    geotag(folder / "1.jpg", "--remove", exit_code=0)
    geotag(folder / "1.jpg", "--write", "exif", "--in-place", exit_code=0)
    inside = read_by_exiftool(folder / "1.jpg")
    for found, group in ((beside, "XMP-exif"), (inside, "GPS")):
        assert found[f"{group}:GPSHPositioningError"] == 12.5
        assert found[f"{group}:GPSMapDatum"] == "WGS-84"
        assert found[f"{group}:GPSProcessingMethod"].startswith(
            "PLACEFIX estimate map=localized version=000001 status="
        )
    assert (inside["Composite:GPSLatitude"], inside["Composite:GPSLongitude"]) == pytest.approx(
        (position.latitude, position.longitude), abs=1e-8
    )
    assert float(beside["XMP-exif:GPSLatitude"]) == pytest.approx(position.latitude, abs=2e-8)
    assert beside["XMP-placefix:Confidence"] == 0.98
    assert beside["XMP-placefix:MapVersion"] in (1, "000001")
    assert "ExifTool:Warning" not in inside


@needs_exiftool
def test_other_formats_are_written_by_exiftool_and_refused_without_it(
    geotag: RunCommand, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Image.open(folder / "1.jpg") as image:
        for name in ("1.png", "1.webp"):
            image.save(folder / name)
    pixels = {name: Image.open(folder / name).tobytes() for name in ("1.png", "1.webp")}
    monkeypatch.setattr("placefix.geotagging.write_back.exif_writer", JpegWriter)
    told = geotag(folder / "1.png", "--write", "exif", "--in-place", "--dry-run").stderr
    assert "EXIF is written into PNG files by the program exiftool alone" in " ".join(told.split())
    monkeypatch.setattr("placefix.geotagging.write_back.exif_writer", lambda: ExiftoolWriter(str(EXIFTOOL)))
    for name, content in pixels.items():
        geotag(folder / name, "--write", "exif", "--in-place", exit_code=0)
        assert Image.open(folder / name).tobytes() == content
        assert "has an estimate" in geotag(folder / name, "--write", "exif", "--in-place", exit_code=0).stdout
        geotag(folder / name, "--remove", exit_code=0)
        assert "without an estimate" in geotag(folder / name, "--remove", exit_code=0).stdout


@pytest.mark.parametrize(
    ("status", "also", "written"),
    [
        ("uncertain", [], 0),
        ("uncertain", ["--also", "uncertain"], 2),
        ("not_found", ["--also", "uncertain"], 0),
        ("uncalibrated", [], 0),
        ("uncalibrated", ["--also", "uncertain", "--also", "uncalibrated"], 2),
    ],
)
def test_only_what_is_sure_is_written_unless_asked(
    status: str, also: list[str], written: int, geotag: RunCommand, folder: Path
) -> None:
    result = geotag(folder, "--write", "xmp", *also, status=status)
    assert len(list(folder.rglob("*.xmp"))) == written
    assert (f"2 {status.replace('_', ' ')}" in result.stdout) == (written == 0)
    assert ("placefix calibrate" in result.stderr) == (status == "uncalibrated" and not written)


def test_an_estimate_beside_a_position_that_came_later_is_taken_away(geotag: RunCommand, folder: Path) -> None:
    geotag(folder / "1.jpg", "--write", "xmp", exit_code=0)
    write_photo(folder / "1.jpg", 1, LatLon(55.7, 13.2))
    assert geotag(folder / "1.jpg", "--write", "xmp", exit_code=0).stdout == "1 photo: 1 has a position\n"
    assert geotag(folder / "1.jpg", "--remove", exit_code=0).stdout == "1 photo: 1 taken away\n"
    assert not (folder / "1.jpg.xmp").exists()


def test_paths_come_from_standard_input_and_photos_do_not(
    geotag: RunCommand, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def feed(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    feed(f"{folder / '1.jpg'}\n".encode())
    assert geotag("-", "--write", "xmp", exit_code=0).stdout == "1 photo: 1 written\n"
    feed((folder / "1.jpg").read_bytes())
    assert "has no file to write a position to" in geotag("-", "--write", "xmp", exit_code=1).stderr


def test_a_server_is_asked(command: RunCommand, folder: Path, town_server: Served) -> None:
    arguments = (folder / "1.jpg", "--write", "xmp", "--also", "uncalibrated", "--server", town_server.url)
    result = command("geotag", *arguments)
    assert result.returncode == 0, result.stderr
    assert "map=town" in (folder / "1.jpg.xmp").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "say what to write: --write xmp, or --write exif"),
        (["--write", "exif"], "say --out FOLDER for copies, or --in-place"),
        (["--write", "exif", "--in-place", "--out", "copies"], "say --out FOLDER for copies, or --in-place"),
        (["--write", "xmp", "--in-place"], "belong to --write exif"),
        (["--write", "exif", "--out", "1.jpg"], "is not a folder"),
        (["--remove", "--write", "xmp"], "--write has no effect with --remove"),
        (["--remove", "--near", "1,2", "--dry-run"], "--near has no effect with --remove"),
        (["--write", "xmp", "--within-m", "5"], "within_m has no effect without near"),
    ],
)
def test_what_does_not_go_together_is_told_before_anything_is_loaded(
    arguments: list[str], says: str, geotag: RunCommand, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a map was opened")

    monkeypatch.setattr(askers, "opened_map", opened)
    monkeypatch.chdir(folder)
    before = state(folder)
    assert says in " ".join(geotag(folder, *arguments, exit_code=1).stderr.split())
    assert state(folder) == before


def test_a_file_that_cannot_be_written_is_no_end(geotag: RunCommand, folder: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / "sub").write_text("a file where a folder ought to be")
    result = geotag(folder, "--write", "exif", "--out", copies)
    assert result.stdout == "4 photos: 2 failed, 1 written, 1 has a position\n"
    assert f"{copies / 'sub'}: " in result.stderr


def test_what_a_link_leads_to_is_changed(geotag: RunCommand, folder: Path, tmp_path: Path) -> None:
    photo, before = tmp_path / "1.jpg", (folder / "1.jpg").read_bytes()
    (folder / "1.jpg").rename(photo)
    (folder / "1.jpg").symlink_to(photo)
    geotag(folder / "1.jpg", "--write", "exif", "--in-place", exit_code=0)
    assert (folder / "1.jpg").is_symlink()
    assert photo.read_bytes() != before
    assert (tmp_path / "1.jpg_original").read_bytes() == before
    geotag(folder / "1.jpg", "--remove", exit_code=0)
    assert (folder / "1.jpg").is_symlink()
    assert "no_position" in {left.code for left in read_source(folder).left_out}


def test_two_photos_that_would_be_one_copy_are_told(geotag: RunCommand, folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "sub" / "3.jpg", folder / "sub" / "1.jpg")
    arguments = (folder / "1.jpg", folder / "sub" / "1.jpg", "--write", "exif", "--out", tmp_path / "copies")
    assert geotag(*arguments).stdout == "2 photos: 1 written, 1 failed\n"
    assert scans_of(tmp_path / "copies" / "1.jpg") == scans_of(folder / "1.jpg")


def test_a_program_that_fails_leaves_the_photo(
    geotag: RunCommand, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "exiftool"
    program.write_text("#!/bin/sh\necho 'Error: not today' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr("placefix.geotagging.write_back.exif_writer", lambda: ExiftoolWriter(str(program)))
    before = state(folder)
    assert "exiftool does not write it: Error: not today" in " ".join(
        geotag(folder / "1.jpg", "--write", "exif", "--in-place").stderr.split()
    )
    assert state(folder) == before


def test_exiftool_is_taken_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    exif_writers.exif_writer.cache_clear()
    assert isinstance(exif_writers.exif_writer(), JpegWriter)
    (tmp_path / "exiftool").write_text("#!/bin/sh\n")
    (tmp_path / "exiftool").chmod(0o755)
    exif_writers.exif_writer.cache_clear()
    assert isinstance(exif_writers.exif_writer(), ExiftoolWriter)
    exif_writers.exif_writer.cache_clear()
