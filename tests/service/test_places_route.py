"""GET /maps/{name}/places: which pictures a map has, in cells, for those who may list them."""

import gzip
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from place_map.place_cells import WORLD
from place_map.place_table import PlaceTable
from service import place_listing
from service.key_file import append_key
from service.keys import Scope, make_key
from service.place_listing import FINEST_ZOOM, MAX_FEATURES, list_places
from service.routes.places import MOST_LISTINGS
from service.schemas.places import PlaceCollection
from tests.service.asking import check_problem
from tests.service.conftest import Serve, Served, Town


def fetch(server: Served, query: str = "", map_name: str = "town") -> dict[str, Any]:
    response = server.client.get(f"/maps/{map_name}/places{query}")
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/geo+json"
    document: dict[str, Any] = response.json()
    PlaceCollection.model_validate(document)
    return document


def pictures(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in document["features"] if each["properties"]["kind"] != "tracks"]


def test_each_picture_is_listed_with_its_position(town: Town, town_server: Served) -> None:
    document = fetch(town_server)
    found = {each["properties"]["id"]: each for each in pictures(document)}
    assert set(found) == set(town.positions)
    for place_id, feature in found.items():
        position = town.positions[place_id]
        assert feature["geometry"]["coordinates"] == pytest.approx([position.longitude, position.latitude], abs=1e-7)
        assert feature["properties"]["count"] == 1
    assert found["a street/3.jpg"]["properties"]["headings_deg"] == [30.0]
    assert found["a street/0.jpg"]["properties"]["headings_deg"] == []
    assert document["bbox"] == pytest.approx([13.178, 55.7, 13.2, 55.711], abs=1e-6)


def test_what_is_near_is_one_cell_and_what_is_elsewhere_is_not_listed(town_server: Served) -> None:
    [whole] = pictures(fetch(town_server, "?zoom=0"))
    assert (whole["properties"]["kind"], whole["properties"]["count"], whole["properties"]["id"]) == ("cell", 12, None)
    some = fetch(town_server, "?bbox=13.1935,55.7025,13.2005,55.7035&zoom=24")
    assert [each["properties"]["id"] for each in pictures(some)] == ["a street/3.jpg"]
    nothing = fetch(town_server, "?bbox=0,0,1,1&zoom=10")
    assert nothing == {"type": "FeatureCollection", "features": []}


@pytest.mark.parametrize(
    "query", ["?bbox=1,2,3", "?bbox=1,2,3,x", "?bbox=0,5,1,4", "?bbox=0,0,999,1", "?zoom=25", "?zoom=x", "?box=1,2,3,4"]
)
def test_a_wrong_parameter_is_named(query: str, town_server: Served) -> None:
    check_problem(town_server.client.get(f"/maps/town/places{query}"), 422, "invalid_parameter")


def test_another_map_is_not_found(town_server: Served) -> None:
    check_problem(town_server.client.get("/maps/nothing/places"), 404, "map_not_found")


@pytest.mark.parametrize(
    ("settings", "is_listed"),
    [
        ({}, True),  # on a loopback address
        ({"browse": "off"}, False),
        ({"host": "0.0.0.0"}, False),  # others can reach it, and nobody needs a key  # noqa: S104
        ({"host": "0.0.0.0", "browse": "on"}, True),  # noqa: S104
        ({"host": "0.0.0.0", "published_host": "127.0.0.1"}, True),  # in a container  # noqa: S104
        ({"published_host": "192.0.2.1"}, False),
    ],
)
def test_without_keys_the_setting_decides(
    settings: dict[str, Any], is_listed: bool, village: Town, serve: Serve
) -> None:
    served = serve(village, **settings)
    options = served.client.get("/page/options").json()
    assert options["may_browse"] is is_listed
    assert (options["why_candidates_alone"] is None) is is_listed
    response = served.client.get("/maps/village/places")
    if is_listed:
        assert response.status_code == 200
    else:
        check_problem(response, 403, "browsing_off")


def test_with_keys_the_scope_is_needed_and_the_setting_can_still_turn_it_off(
    village: Town, serve: Serve, tmp_path: Path
) -> None:
    key, line = make_key("desk", [Scope.BROWSE])
    append_key(tmp_path / "keys.txt", "desk", line)
    headers = {"Authorization": f"Bearer {key}"}
    for browse, status in (("auto", 200), ("on", 200), ("off", 403)):
        served = serve(village, keys=tmp_path / "keys.txt", host="0.0.0.0", browse=browse)  # noqa: S104
        assert served.client.get("/maps/village/places", headers=headers).status_code == status
        assert served.client.get("/maps/village/places").status_code == 401


def table(latitudes: Any, longitudes: Any, seconds: Any) -> PlaceTable:
    """Make a table as a map has it, of pictures that nobody took."""
    count = len(latitudes)
    times = np.datetime64("2024-05-01T09:00:00", "us") + (np.asarray(seconds) * 1_000_000).astype("timedelta64[us]")
    nothing = pa.nulls(count, pa.string())
    return PlaceTable(
        pa.table(
            {
                "id": pa.array(np.arange(count)).cast(pa.string()),
                "geometry": nothing,
                "latitude": latitudes,
                "longitude": longitudes,
                "heading_deg": pa.array(np.arange(count) % 360, pa.float64()),
                "time": pa.array(times, pa.timestamp("us", tz="UTC")),
                "time_utc_offset_s": pa.array(np.zeros(count), pa.int32()),
                "source_path": nothing,
                "content_sha256": nothing,
                "thumbnail_bytes": pa.nulls(count, pa.int32()),
                "thumbnail_sha256": nothing,
            }
        ),
        Path("nowhere"),
    )


def test_a_million_places_are_listed_within_the_bound_and_none_is_lost() -> None:
    generator = np.random.default_rng(3)
    latitudes = 55.7 + generator.normal(0, 0.05, 1_000_000)
    longitudes = 13.2 + generator.normal(0, 0.09, 1_000_000)
    places = table(latitudes, longitudes, np.arange(1_000_000) * 1000)
    for zoom in (0, 11, 16, FINEST_ZOOM):
        listed = list_places(places, WORLD, zoom)["features"]
        assert len(listed) <= MAX_FEATURES
        assert sum(each["properties"]["count"] for each in listed) == 1_000_000


def test_tracks_join_the_features_of_the_answer_and_keep_their_own_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = table(55.7 + np.arange(300) * 1e-4, np.full(300, 13.2), np.arange(300) * 5)
    tracks, *rest = list_places(walk, WORLD, 24)["features"]
    positions = [each["geometry"]["coordinates"] for each in rest]
    assert len(tracks["geometry"]["coordinates"]) == 299
    assert all(end in positions for line in tracks["geometry"]["coordinates"] for end in line)
    monkeypatch.setattr(place_listing, "MAX_STEPS", 20)
    fewer, *cells = list_places(walk, WORLD, 24)["features"]
    assert len(fewer["geometry"]["coordinates"]) <= 20
    assert sum(each["properties"]["count"] for each in cells) == 300


def test_few_listings_are_made_at_a_time(town_server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def list_slowly(*_: object) -> dict[str, Any]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        return {"type": "FeatureCollection", "features": []}

    monkeypatch.setattr("service.routes.places.list_in_box", list_slowly)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(town_server.client.get, ["/maps/town/places"] * 8))
    assert {answer.status_code for answer in answers} == {200}
    assert most == MOST_LISTINGS


def test_a_long_answer_is_compressed_for_those_who_take_it(town_server: Served) -> None:
    path = "/maps/town/places"
    with town_server.client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as response:
        compressed = b"".join(response.iter_raw())
    plain = town_server.client.get(path, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(compressed) == plain.content
