"""A map that changes on the disk is found while it is served, and before that if it is asked for."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from place_map.errors import MapCorrupt
from service import map_check
from service.settings import ServiceSettings
from tests.service.conftest import Serve, Town, serving
from tests.service.test_metrics import scrape, value
from tests.waiting import wait_until


@pytest.fixture
def damaged(town: Town, tmp_path: Path) -> Town:
    """Make a map with one bit flipped in its local features, which no sum at start covers."""
    copy = tmp_path / "copy" / "damaged"
    shutil.copytree(town.map_path, copy)
    file = copy / "segments" / "000001" / "locals.npy"
    content = bytearray(file.read_bytes())
    content[-100] ^= 4
    file.write_bytes(content)
    return replace(town, map_path=copy)


def test_a_flipped_bit_is_found_in_the_background(damaged: Town) -> None:
    with serving(ServiceSettings(maps=(damaged.map_path,))) as served:
        wait_until(lambda: value(scrape(served), "placefix_map_damaged", map="damaged") == 1)
        response = served.client.get("/health/ready")
        assert response.status_code == 503
        assert "a map has changed on the disk" in response.json()["detail"]
        content = next(iter(damaged.photos.values())).read_bytes()
        assert served.client.post("/localize", content=content).status_code == 503
        assert served.client.get("/health/live").status_code == 200


def test_it_is_found_before_anything_is_answered_if_that_is_asked_for(damaged: Town) -> None:
    with serving(ServiceSettings(maps=(damaged.map_path,), verify="start")) as served:
        wait_until(lambda: served.runtime.failure)
        assert isinstance(served.runtime.failure, MapCorrupt)
        assert "locals.npy is damaged" in served.runtime.failure.message


def test_a_check_that_is_off_finds_nothing(damaged: Town, serve: Serve) -> None:
    served = serve(damaged, verify="off")
    check = served.runtime._map_check
    assert check is not None
    assert (check.bytes_checked, check._next_at()) == (0, math.inf)
    assert served.client.get("/health/ready").status_code == 200


def test_a_good_map_is_checked_to_its_end(town: Town, serve: Serve) -> None:
    served = serve(town)
    check = served.runtime._map_check
    assert check is not None
    wait_until(lambda: check.is_done)
    names = [path for path in town.map_path.rglob("*") if path.is_file()]
    unchecked = {"CURRENT", "manifest.json", "manifest.json.sha256"}
    assert check.bytes_checked == sum(path.stat().st_size for path in names if path.name not in unchecked)
    assert served.client.get("/health/ready").status_code == 200


def test_a_server_that_stops_does_not_wait_for_the_check(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_check, "_LEAST_BREAK_S", 3600.0)
    with serving(ServiceSettings(maps=(town.map_path,))) as served:
        served.wait_until_ready()
