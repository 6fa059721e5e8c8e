"""A damaged map takes itself off the air, and no other; a query that meets damage makes it known."""

import math
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from place_map import layout
from service import map_check
from service.map_check import MapCheck
from service.settings import ServiceSettings
from tests.service.asking import check_problem
from tests.service.conftest import Serve, Served, Town, serving
from tests.service.map_versions import add_some, copy_town, flip_bit, ids_of
from tests.service.test_metrics import scrape, value
from tests.waiting import wait_until

RERANKED = {"map": "town", "rerank": "true"}


def locals_of(town: Town, segment: str = "000001") -> Path:
    return layout.segment_dir(town.map_path, segment) / layout.LOCALS


def is_damaged(served: Served, name: str = "town") -> bool:
    return value(scrape(served), "placefix_map_damaged", map=name) == 1


@pytest.fixture
def copy(town: Town, tmp_path: Path) -> Town:
    """Copy a town, whose files a test may damage."""
    return copy_town(town, tmp_path)


@pytest.fixture
def two_maps(copy: Town, village: Town) -> Iterator[Served]:
    """Serve a town with a flipped bit that the check has found, beside a village in order."""
    flip_bit(locals_of(copy), -100)
    with serving(ServiceSettings(maps=(copy.map_path, village.map_path))) as served:
        wait_until(lambda: is_damaged(served))
        yield served


def test_the_sound_map_answers_beside_a_damaged_one(two_maps: Served, village: Town) -> None:
    client = two_maps.client
    content = village.photos["1.jpg"].read_bytes()
    answer = client.post("/localize", params={"map": "village"}, content=content)
    assert answer.status_code == 200, answer.text
    assert answer.json()["candidates"][0]["id"] == "1.jpg"
    assert client.get("/maps/village/places/1.jpg/thumbnail").status_code == 200
    refused = check_problem(client.post("/localize", params={"map": "town"}, content=content), 503, "not_ready")
    assert "does not answer (town)" in refused["detail"]
    assert client.post("/localize", params={"map": "town"}, content=content).headers["Retry-After"] == "1"
    thumbnail = client.get(f"/maps/town/places/{quote('a street/1.jpg')}/thumbnail")
    assert "(town)" in check_problem(thumbnail, 503, "not_ready")["detail"]


def test_what_is_known_of_the_maps_is_told_of_a_damaged_one_too(two_maps: Served) -> None:
    listed = two_maps.client.get("/maps").json()["maps"]
    assert [(each["name"], each["is_damaged"]) for each in listed] == [("town", True), ("village", False)]
    for name, damaged in (("town", True), ("village", False)):
        described = two_maps.client.get(f"/maps/{name}")
        assert (described.status_code, described.json()["is_damaged"]) == (200, damaged)
        assert two_maps.client.get(f"/maps/{name}/versions").status_code == 200


def test_readiness_names_the_damaged_map(two_maps: Served) -> None:
    problem = check_problem(two_maps.client.get("/health/ready"), 503, "not_ready")
    assert "does not answer (town)" in problem["detail"]
    assert value(scrape(two_maps), "placefix_ready") == 0
    assert value(scrape(two_maps), "placefix_map_damaged", map="village") == 0


@pytest.fixture
def checked(copy: Town, serve: Serve) -> Served:
    """Start a server whose one check is over."""
    served = serve(copy)
    wait_until(lambda: check_of(served).is_done)
    return served


def check_of(served: Served) -> MapCheck:
    check = served.runtime._map_check
    assert check is not None
    return check


def is_ready(served: Served) -> bool:
    return served.client.get("/health/ready").status_code == 200


def test_damage_that_a_query_meets_ends_readiness(checked: Served, copy: Town) -> None:
    assert is_ready(checked)
    content = copy.photos["100%.jpg"].read_bytes()
    with locals_of(copy, "000003").open("r+b") as file:
        file.truncate(1000)
    check_problem(checked.client.post("/localize", params=RERANKED, content=content), 503, "map_corrupt")
    problem = check_problem(checked.client.get("/health/ready"), 503, "not_ready")
    assert "(town)" in problem["detail"]
    wait_until(lambda: check_of(checked).is_done)
    assert is_damaged(checked)
    assert not is_ready(checked)


def test_a_file_that_is_away_for_a_moment_is_no_damage_for_ever(checked: Served, copy: Town) -> None:
    thumbnail = copy.map_path / "segments/000001/thumbnails.mjpeg"
    url = f"/maps/town/places/{quote(ids_of(copy)[0])}/thumbnail"
    away = thumbnail.rename(thumbnail.with_suffix(".away"))
    check_problem(checked.client.get(url), 503, "map_corrupt")
    assert not is_ready(checked)
    away.rename(thumbnail)
    wait_until(lambda: is_ready(checked))
    assert checked.client.get(url).status_code == 200


def test_a_check_that_cannot_read_a_file_reads_it_and_the_rest_later(
    copy: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_check, "_FIRST_RETRY_S", 0.02)
    monkeypatch.setattr(map_check, "_LAST_RETRY_S", 0.02)
    first, *_, last = sorted((copy.map_path / "segments").rglob("thumbnails.mjpeg"))
    with serving(ServiceSettings(maps=(copy.map_path,), verify_interval_s=0.05)) as served:
        away = first.rename(first.with_suffix(".away"))
        wait_until(lambda: is_damaged(served))
        flip_bit(last)
        away.rename(first)
        wait_until(lambda: is_confirmed(served))
        assert not is_ready(served)


def is_confirmed(served: Served) -> bool:
    with served.runtime.engine.maps.reading("town") as version:
        return version.damage is not None and not version.damage.may_pass


@pytest.mark.parametrize("verify", ["background", "start"])
def test_the_check_is_repeated(copy: Town, serve: Serve, verify: str) -> None:
    served = serve(copy, verify=verify, verify_interval_s=0.05)
    bytes_before = check_of(served).bytes_checked
    wait_until(lambda: check_of(served).bytes_checked > bytes_before + 1_000_000)
    assert is_ready(served)
    flip_bit(locals_of(copy), -100)
    wait_until(lambda: is_damaged(served))
    assert not is_ready(served)


@pytest.mark.parametrize("verify", ["background", "start", "off"])
def test_an_interval_of_nothing_checks_once(copy: Town, serve: Serve, verify: str) -> None:
    check = check_of(serve(copy, verify=verify, verify_interval_s=0))
    wait_until(lambda: check.is_done)
    assert check._next_at() == math.inf


def test_a_version_that_is_served_instead_of_a_damaged_one_is_sound(copy: Town, serve: Serve, tmp_path: Path) -> None:
    assert add_some(copy, tmp_path / "more") == "000002"
    served = serve(copy, watch_interval_s=0)
    with locals_of(copy, "000004").open("r+b") as file:
        file.truncate(1000)
    content = copy.photos["100%.jpg"].read_bytes()
    assert served.client.post("/localize", params=RERANKED, content=content).status_code == 503
    wait_until(lambda: is_confirmed(served))
    assert served.client.post("/maps/town/activate", json={"version": "1"}).status_code == 200
    assert is_ready(served)
    assert served.client.post("/localize", params=RERANKED, content=content).status_code == 200
