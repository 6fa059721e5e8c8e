"""GET /basemap/{z}/{x}/{y}, and the tiles on the page."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.browser import Tab
from service.settings import ServiceSettings
from tests.service.asking import check_problem
from tests.service.basemap.tiles import picture, write_pmtiles
from tests.service.conftest import Served, Town, serving

TILES = {(z, x, y): picture(f"#{z}{x}{y}") for z in range(3) for x in range(2**z) for y in range(2**z)}
del TILES[1, 0, 0]


@pytest.fixture(scope="module")
def server(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    path = write_pmtiles(tmp_path_factory.mktemp("basemap") / "world.pmtiles", TILES)
    with serving(ServiceSettings(maps=(town.map_path,), basemap=str(path))) as served:
        served.wait_until_ready()
        yield served


def test_a_tile_is_served_with_the_type_of_its_bytes(server: Served) -> None:
    response = server.client.get("/basemap/2/3/1")
    assert (response.status_code, response.content) == (200, TILES[2, 3, 1])
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Cache-Control"] == "private, max-age=86400"


@pytest.mark.parametrize("path", ["1/0/0", "3/0/0", "1/2/0", "0/0/1"])
def test_where_there_is_none_that_is_said(path: str, server: Served) -> None:
    check_problem(server.client.get(f"/basemap/{path}"), 404, "tile_not_found")


@pytest.mark.parametrize("path", ["x/0/0", "-1/0/0", "25/0/0", "1/0/99999999"])
def test_what_is_no_tile_at_all_is_refused(path: str, server: Served) -> None:
    check_problem(server.client.get(f"/basemap/{path}"), 422, "invalid_parameter")


def test_without_a_base_map_there_are_no_tiles(town_server: Served) -> None:
    check_problem(town_server.client.get("/basemap/0/0/0"), 404, "tile_not_found")
    assert town_server.client.get("/page/options").json()["basemap"] is None


def test_the_page_lays_the_tiles_below_and_says_whose_they_are(tab: Tab, server: Served, tmp_path: Path) -> None:
    assert tmp_path
    tab.go(f"{server.url}/#view=10,10,2")
    tab.wait_for("[...document.querySelectorAll('.tiles img')].filter((each) => each.naturalWidth === 256).length >= 4")
    said = "document.querySelector('.attribution').textContent"
    assert tab.run(said).startswith("© Example & Co")
    assert tab.run("document.querySelector('.attribution a').href") == "https://maps.example.org/about"
    policy = server.client.get("/").headers["Content-Security-Policy"]
    assert "img-src 'self' blob: data:;" in policy  # no other origin
    assert tab.complaints == []
