"""Photos of a real place, the network that comes along, and the page: from a folder to a position in a browser."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.browser import Tab
from tests.end_to_end.conftest import run_placefix, serving
from tests.service.conftest import browser, tab

__all__ = ["browser", "tab"]  # fixtures

QUERY = "IMG_7181.jpg"  # another day, another phone than the pictures of the map
NEAR_M = 25  # an answer counts as right within it
ANSWERED = "document.querySelectorAll('li.candidate').length === 10 && document.querySelector('.plan .spot.best')"


@pytest.fixture(scope="session")
def campus(shared_dir: Path) -> Path:
    """Return pictures of a campus, and photos to ask with, as phones have written them."""
    folder = shared_dir / "data" / "penn_campus_gps"
    if not folder.is_dir():
        pytest.skip(f"needs the photographs of a campus, and {folder} is not there")
    return folder


@pytest.fixture(scope="session")
def campus_map(campus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a map of the campus by the network that comes with Placefix."""
    folder = tmp_path_factory.mktemp("maps")
    place_map = folder / "campus"
    assert "network: starter" in run_placefix(
        folder / "log", "build", "--source", campus / "database", "--out", place_map
    )
    return place_map


@pytest.fixture(scope="module")
def client(campus: Path, campus_map: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log = tmp_path_factory.mktemp("logs") / "server.log"
    with serving(log, "--map", campus_map, "--samples", campus / "queries") as client:
        yield client


def text(tab: Tab, selector: str) -> str:
    return str(tab.run(f"document.querySelector({json.dumps(selector)}).innerText"))


def test_a_photo_of_the_campus_is_placed_on_the_map(tab: Tab, client: httpx.Client) -> None:
    tab.set_window(1280, 900)
    tab.go(f"{client.base_url}/#sample={QUERY}")
    tab.wait_for(f"{ANSWERED} && document.querySelector('#place-list li')")
    assert tab.complaints == []

    answer = client.post("/localize", content=client.get(f"/samples/{QUERY}").content).json()
    shown = text(tab, ".position")
    assert f"{answer['position']['latitude']:.5f}° N" in shown
    assert f"{-answer['position']['longitude']:.5f}° W" in shown
    away = text(tab, ".truth")
    assert away.endswith("m from where it was taken")
    assert int(away.split()[0]) <= NEAR_M
    assert tab.run("document.querySelector('.truth').classList.contains('right')")
    # A map that small has no calibration, and the page says so, and what to do.
    assert text(tab, ".headline") == "Best match"
    assert "This map cannot say how sure it is." in text(tab, "#verdict")
    assert "a confidence takes 105 questions" in text(tab, ".advice").lower()

    first = answer["candidates"][0]
    assert tab.run("document.querySelector('li.candidate').title") == first["id"]
    tab.wait_for("[...document.querySelectorAll('.candidate img')].every((each) => each.naturalWidth > 0)")
    assert f"{first['mutual_matches']}" in text(tab, "li.candidate")


def test_a_picture_of_the_campus_is_looked_at_and_asked_with(tab: Tab, client: httpx.Client) -> None:
    places = client.get("/maps/campus/places").json()["features"]
    tracks = [each for each in places if each["properties"]["kind"] == "tracks"]
    assert len(tracks) == 1  # its times are known
    picture = next(each for each in places if each["properties"].get("id") == "img_00002.jpg")
    longitude, latitude = picture["geometry"]["coordinates"]
    tab.go(f"{client.base_url}/#place={latitude},{longitude}")
    tab.wait_for("document.querySelector('.place img')?.naturalWidth > 0")
    assert "2024-09-23 20:07:29 UTC" in text(tab, "#place")  # the time of the satellites
    assert "img_00002.jpg" in text(tab, "#place")
    tab.run("document.querySelector('.ask').click()")
    tab.wait_for(ANSWERED)
    assert text(tab, ".truth").startswith("0 m")


def test_operators_see_the_starter_and_its_map(tab: Tab, client: httpx.Client) -> None:
    tab.go(f"{client.base_url}/status")
    tab.wait_for("document.querySelector('.map') && document.querySelectorAll('#facts dt').length >= 7")
    assert "starter" in text(tab, "#facts")
    assert "campus" in text(tab, ".map")
    assert "not calibrated" in text(tab, ".calibration")
