"""POST /maps/{name}/activate, and the list of versions to choose from."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from place_map import layout
from place_map.activation import roll_back
from place_map.builder_lock import staging_path
from place_map.unfinished import CHECKPOINTS, PLAN
from place_map.unfinished import changing as lock_of
from place_map.versions import read_current
from tests.service.conftest import Serve, Served, Town
from tests.service.map_versions import (
    add_some,
    asking_all_the_time,
    claim_another_network,
    contents,
    copy_town,
    flip_bit,
    remove_one,
    served_version,
)
from tests.service.test_metrics import scrape, value
from tests.waiting import wait_until

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def grown(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Make a town with two versions; the first is served."""
    folder = tmp_path_factory.mktemp("grown")
    town = copy_town(town, folder)
    assert add_some(town, folder / "more") == "000002"
    roll_back(town.map_path)
    return town


@pytest.fixture
def changing(grown: Town, tmp_path: Path) -> Town:
    return copy_town(grown, tmp_path)


@pytest.fixture
def served(changing: Town, serve: Serve) -> Served:
    """Start a server that does not watch, so that every swap is an activation."""
    return serve(changing, watch_interval_s=0)


def activate(served: Served, version: str = "000002", *, name: str = "town", **more: Any) -> tuple[int, dict[str, Any]]:
    response = served.client.post(f"/maps/{name}/activate", json={"version": version, **more})
    return response.status_code, response.json()


def assert_nothing_changed(served: Served, town: Town) -> None:
    assert served_version(served) == read_current(town.map_path).version == "000001"
    assert served.client.get("/health/ready").status_code == 200


def test_a_version_is_activated_under_load_and_back(served: Served, changing: Town) -> None:
    with asking_all_the_time(served.url, changing.photos["100%.jpg"].read_bytes()) as asked:
        for version, pictures in (("2", 14), ("000001", 12), ("000002", 14)):
            status, answer = activate(served, version)
            assert (status, answer) == (200, {"name": "town", "version": version.zfill(6), "pictures": pictures})
            assert served_version(served) == read_current(changing.map_path).version == version.zfill(6)
    assert asked.failures == []
    of_versions = contents(changing)
    assert asked.answers == {version: {frozenset(of_versions[version])} for version in asked.answers}
    assert value(scrape(served), "placefix_map_swaps_total", map="town", outcome="swapped") == 3


def test_the_version_that_is_served_can_be_activated_again(served: Served, changing: Town) -> None:
    assert activate(served, "000001") == (200, {"name": "town", "version": "000001", "pictures": 12})
    assert value(scrape(served), "placefix_map_swaps_total", map="town", outcome="swapped") == 0
    remove_one(changing)  # moves CURRENT, which nobody follows here
    assert activate(served, "000001")[0] == 200
    assert_nothing_changed(served, changing)


def test_only_what_is_expected_is_replaced(served: Served, changing: Town) -> None:
    status, problem = activate(served, expected_version="000002")
    assert (status, problem["code"]) == (409, "unexpected_version")
    assert "version 000001 of the map town is served, not 000002" in problem["detail"]
    assert_nothing_changed(served, changing)
    assert activate(served, expected_version="1")[0] == 200


def test_unknown_maps_and_versions(served: Served, changing: Town) -> None:
    for name, version, code in (("city", "1", "map_not_found"), ("town", "7", "version_not_found")):
        status, problem = activate(served, version, name=name)
        assert (status, problem["code"]) == (404, code)
    assert "it has 000001, 000002" in problem["detail"]
    assert_nothing_changed(served, changing)


def test_a_damaged_version_is_refused_before_anything_changes(served: Served, changing: Town) -> None:
    flip_bit(layout.segment_dir(changing.map_path, "000004") / layout.GLOBALS)
    status, problem = activate(served)
    assert (status, problem["code"]) == (422, "unusable_version")
    assert "globals.npy is damaged" in problem["detail"]
    assert_nothing_changed(served, changing)
    assert value(scrape(served), "placefix_map_swaps_total", map="town", outcome="failed") == 1


def test_a_version_of_another_network_is_refused(served: Served, changing: Town) -> None:
    claim_another_network(changing, "000002")
    status, problem = activate(served)
    assert (status, problem["code"]) == (422, "unusable_version")
    assert "was made with network 000000000000" in problem["detail"]
    assert_nothing_changed(served, changing)


def test_a_map_that_is_being_changed_is_left_alone(served: Served, changing: Town) -> None:
    with lock_of(changing.map_path):
        status, problem = activate(served)
    assert (status, problem["code"]) == (409, "map_busy")
    assert_nothing_changed(served, changing)
    staging = staging_path(changing.map_path)
    (staging / CHECKPOINTS / "000005").mkdir(parents=True)
    (staging / PLAN).write_text('{"kind": "add", "version": "000003", "first_segment": 5}')
    status, problem = activate(served)
    assert (status, problem["code"]) == (409, "build_conflict")
    assert "placefix map abandon" in problem["detail"]
    assert_nothing_changed(served, changing)
    shutil.rmtree(staging)
    assert activate(served)[0] == 200


def test_a_map_that_cannot_be_written_to_stays_as_it_is(served: Served, changing: Town) -> None:
    in_the_way = staging_path(changing.map_path)  # the tests may run as root, whom no permission keeps from writing
    in_the_way.write_bytes(b"")
    status, problem = activate(served)
    assert (status, problem["code"]) == (507, "storage_error")
    assert "the service cannot move CURRENT" in problem["detail"]
    assert_nothing_changed(served, changing)
    in_the_way.unlink()
    assert activate(served)[0] == 200


def test_a_damaged_version_that_is_served_can_be_replaced(changing: Town, serve: Serve) -> None:
    served = serve(changing, watch_interval_s=0)
    flip_bit(layout.segment_dir(changing.map_path, "000004") / layout.LOCALS)
    assert activate(served)[0] == 200  # whose sums at loading do not cover the local features
    wait_until(lambda: served.client.get("/health/ready").status_code == 503)
    assert len(served.client.get("/maps/town/versions").json()["versions"]) == 2
    assert activate(served, "000001")[0] == 200
    assert served.client.get("/health/ready").status_code == 200


def test_bodies_that_ask_for_nothing(served: Served, changing: Town) -> None:
    for content, status, code in (
        (b"", 422, "invalid_parameter"),
        (b"{", 422, "invalid_parameter"),
        (b"[1]", 422, "invalid_parameter"),
        (b'{"version": 2}', 422, "invalid_parameter"),
        (b'{"version": "../000002"}', 422, "invalid_parameter"),
        (b'{"version": "2", "expected_version": ""}', 422, "invalid_parameter"),
        (b'{"version": "2", "force": true}', 422, "invalid_parameter"),
        (b"\xff\xff", 422, "invalid_parameter"),
        (b'{"version": "2"}' + bytes(5000), 413, "body_too_large"),
    ):
        response = served.client.post("/maps/town/activate", content=content, headers=JSON)
        assert (response.status_code, response.json()["code"]) == (status, code), content
    assert_nothing_changed(served, changing)


def test_what_a_browser_sends_for_another_site_without_asking_is_refused(served: Served, changing: Town) -> None:
    for declared in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp"):
        response = served.client.post(
            "/maps/town/activate", content=b'{"version": "2"}', headers={"Content-Type": declared}
        )
        assert (response.status_code, response.json()["code"]) == (400, "malformed_body")
    assert_nothing_changed(served, changing)


def test_versions_are_listed(served: Served, changing: Town) -> None:
    remove_one(changing)
    first, second, third = served.client.get("/maps/town/versions").json()["versions"]
    assert (first["version"], first["pictures"], first["parent"], first["change"]) == ("000001", 12, None, "build")
    assert (second["version"], second["pictures"], second["parent"], second["change"]) == (
        "000002",
        14,
        "000001",
        "add",
    )
    assert (third["version"], third["pictures"], third["change"]) == ("000003", 11, "remove")
    assert [each["is_served"] for each in (first, second, third)] == [True, False, False]
    assert [each["is_current"] for each in (first, second, third)] == [False, False, True]
    assert served.client.get("/maps/city/versions").json()["code"] == "map_not_found"
