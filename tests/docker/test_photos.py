"""``PHOTOS=FOLDER docker compose up``: a map of a folder of photos, built, served and brought up to date."""

from pathlib import Path

import httpx
import pytest

from model.geo import LatLon
from placefix.exit_codes import ExitCode
from tests.conftest import write_photo
from tests.docker.composed import Composed, check_found, composing, wait_for

pytestmark = pytest.mark.docker


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    folder = tmp_path / "my walk"
    for number in range(3):
        write_readable(folder, number)
    write_readable(folder, 9, is_placed=False)
    return folder


def write_readable(folder: Path, number: int, *, is_placed: bool = True) -> Path:
    """Write a photo that the user of the containers can read, whatever the mask of who runs the tests."""
    position = LatLon(55.7 + number / 1000, 13.2) if is_placed else None
    photo = write_photo(folder / f"{number}.jpg", number, position)
    folder.chmod(0o755)
    photo.chmod(0o644)
    return photo


def log_of_prepare(composed: Composed) -> str:
    """Return the log of ``prepare``, in one line."""
    return " ".join(composed.run("logs", "--no-color", "prepare").replace("|", " ").split())


def test_photos_are_built_served_and_followed(walk: Path) -> None:
    with composing(photos=walk) as composed:
        composed.run("up", "--detach", "--build", "localizer")
        composed.wait_until_healthy("localizer")
        for number in range(3):
            photo = walk / f"{number}.jpg"
            answer = check_found(composed.localize(photo), photo)
            assert answer["map"] == {"name": "my-walk", "version": "000001"}
            assert answer["position"]["latitude"] == pytest.approx(55.7 + number / 1000, abs=1e-6)
        assert httpx.get(f"{composed.service}/samples", trust_env=False).raise_for_status().json()["samples"] == []
        told = log_of_prepare(composed)
        assert "9.jpg: its EXIF block has no GPS position" in told
        assert "The map my-walk is served from now on" in told
        assert f"Look at {composed.service}" in told

        added = write_readable(walk, 3)
        composed.run("up", "--detach", "localizer")
        wait_for(lambda: composed.localize(added).json()["map"]["version"] == "000002", "the server follows the folder")
        check_found(composed.localize(added), added)
        assert composed.inspect("localizer")["RestartCount"] == 0


@pytest.mark.parametrize(
    ("is_readable", "reasons"),
    [
        (
            True,
            ("no picture can go into a map", "a CSV file with the columns path, latitude and longitude"),
        ),
        (False, ("cannot be read by the user 10001", "chmod -R a+rX")),
    ],
    ids=["without-positions", "unreadable"],
)
def test_a_folder_that_gives_no_map_is_told_and_no_server_is_started(
    is_readable: bool, reasons: tuple[str, ...], tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    write_readable(photos, 0, is_placed=False)
    photos.chmod(0o755 if is_readable else 0o700)
    with composing(photos=photos) as composed:
        composed.run("build", "prepare")
        with pytest.raises(AssertionError, match=r"exited with code 1|exit 1"):
            composed.run("up", "--detach", "localizer")
        assert composed.inspect("prepare")["State"]["ExitCode"] == ExitCode.ERROR
        told = log_of_prepare(composed)
        assert all(reason in told for reason in reasons), told
        assert "served from now on" not in told
        servers = composed.run("ps", "--all", "--quiet", "localizer").split()  # none, or one that was never started
        assert [composed.inspect("localizer")["State"]["Status"] for _ in servers] == ["created"] * len(servers)
