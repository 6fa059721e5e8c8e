"""POST /localize over a real socket."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from service.schemas.answer import LocalizationAnswer
from service.settings import ServiceSettings
from service.stages import Stage
from tests.calibrations import RADIUS_M
from tests.conftest import TINY_CELLS
from tests.service.asking import check_uncalibrated
from tests.service.conftest import Serve, Served, Town, serving


@pytest.fixture(scope="module")
def judged_server(judged_towns: dict[str, Town]) -> Iterator[Served]:
    with serving(ServiceSettings(maps=tuple(each.map_path for each in judged_towns.values()))) as served:
        served.wait_until_ready()
        yield served


def test_every_picture_of_the_map_is_first_at_its_own_place(town: Town, town_server: Served) -> None:
    for place_id, photo in town.photos.items():
        response = town_server.client.post(
            "/localize", files={"image": photo.read_bytes()}, params={"rerank": "true", "shortlist": 2}
        )
        assert response.status_code == 200, response.text
        answer = LocalizationAnswer.model_validate(response.json())
        best = answer.candidates[0]
        assert (best.rank, best.id) == (1, place_id)
        assert best.mutual_matches is not None
        assert best.mutual_matches >= 0.995 * TINY_CELLS
        assert answer.position is not None
        assert answer.position.latitude == pytest.approx(town.positions[place_id].latitude, abs=1e-6)
        assert answer.position.longitude == pytest.approx(town.positions[place_id].longitude, abs=1e-6)
        assert (answer.map.name, answer.map.version) == ("town", "000001")


def test_the_answer_has_exactly_these_members(town: Town, town_server: Served) -> None:
    photo = next(iter(town.photos.values()))
    response = town_server.client.post("/localize", files={"image": photo.read_bytes()})
    answer = response.json()
    assert list(answer) == [
        *("status", "position", "confidence", "accuracy", "evidence", "candidates", "matches", "heat"),
        *("without_evidence", "photos", "map", "timings_ms", "request_id"),
    ]
    assert list(answer["evidence"]) == [
        *("compared", "matches", "rival_matches", "score", "rival_score"),
        *("share", "global_rank", "similarity", "rival_similarity"),
    ]
    assert list(answer["position"]) == ["latitude", "longitude"]
    assert list(answer["candidates"][0]) == [
        *("rank", "id", "latitude", "longitude", "heading_deg", "mutual_matches", "score", "global_distance")
    ]
    assert list(answer["timings_ms"]) == [*(stage.value for stage in Stage), "total"]
    check_uncalibrated(answer)
    assert len(answer["candidates"]) == 10
    assert [candidate["rank"] for candidate in answer["candidates"]] == list(range(1, 11))
    by_id = {candidate["id"]: candidate for candidate in answer["candidates"]}
    assert by_id[next(iter(town.photos))]["heading_deg"] is None


@pytest.mark.parametrize(
    ("status", "confidence", "radius_m"),
    [("localized", 0.98, RADIUS_M), ("uncertain", 0.6, 38.0), ("not_found", 0.1, None), ("uncalibrated", None, None)],
)
def test_an_answer_says_how_sure_it_is(
    status: str, confidence: float | None, radius_m: float | None, judged_towns: dict[str, Town], judged_server: Served
) -> None:
    content = judged_towns[status].photos["100%.jpg"].read_bytes()
    answer = judged_server.client.post("/localize", content=content, params={"map": status}).json()
    assert (answer["status"], answer["confidence"]) == (status, confidence)
    assert answer["accuracy"] == (radius_m and {"radius_m": radius_m, "level": 0.95})
    best = answer["candidates"][0]
    here = {"latitude": best["latitude"], "longitude": best["longitude"]}
    assert answer["position"] == (None if status == "not_found" else here)
    assert len(answer["candidates"]) == 10


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"map": "localized", "min_confidence": 0.99}, "uncertain"),
        ({"map": "localized", "min_confidence": 0.98}, "localized"),
        ({"map": "localized", "max_wrong": 0.01}, "uncertain"),
        ({"map": "uncertain", "max_wrong": 0.25}, "localized"),
    ],
)
def test_a_query_says_how_sure_an_answer_must_be(
    parameters: dict[str, Any], status: str, town: Town, judged_server: Served
) -> None:
    content = town.photos["100%.jpg"].read_bytes()
    by_address = judged_server.client.post("/localize", content=content, params=parameters).json()
    by_form = judged_server.client.post("/localize", files={"image": content}, data=parameters).json()
    assert by_address["status"] == by_form["status"] == status


def test_a_map_says_what_its_confidences_rest_on_and_what_to_do(judged_server: Served) -> None:
    described = {name: judged_server.client.get(f"/maps/{name}").json() for name in ("localized", "uncalibrated")}
    asked = {"version": "000001", "within_m": 25.0, "questions": 500, "conditions": {}}
    assert described["localized"]["calibration"] == asked
    assert described["localized"]["calibration_advice"] is None
    assert described["uncalibrated"]["calibration"] is None
    assert "the map has 12 pictures: add 93 more" in described["uncalibrated"]["calibration_advice"]


def test_an_untrained_network_does_not_rerank_unless_asked(town: Town, town_server: Served) -> None:
    content = town.photos["100%.jpg"].read_bytes()
    plain = town_server.client.post("/localize", content=content).json()
    assert {candidate["mutual_matches"] for candidate in plain["candidates"]} == {None}
    assert plain["timings_ms"]["rerank"] == plain["timings_ms"]["gather"] == 0
    distances = [candidate["global_distance"] for candidate in plain["candidates"]]
    assert distances == sorted(distances)
    reranked = town_server.client.post("/localize", content=content, params={"rerank": "true"}).json()
    matches = [candidate["mutual_matches"] for candidate in reranked["candidates"]]
    assert matches == sorted(matches, reverse=True)
    assert reranked["timings_ms"]["rerank"] > 0


@pytest.mark.parametrize("content_type", ["image/jpeg", "text/html", "application/octet-stream", "nonsense", None])
def test_a_form_and_a_raw_body_of_any_type_give_one_answer(
    content_type: str | None, town: Town, town_server: Served
) -> None:
    content = town.photos["x#\ny.jpg"].read_bytes()
    headers = {} if content_type is None else {"Content-Type": content_type}
    by_body = town_server.client.post("/localize", content=content, headers=headers).json()
    form = {"image": ("../../etc/passwd%00.html", content, "text/html")}
    by_form = town_server.client.post("/localize", files=form, data={"candidates": "10"}).json()
    for answer in (by_body, by_form):
        del answer["timings_ms"], answer["request_id"]
    assert by_body == by_form
    assert by_body["candidates"][0]["id"] == "x#\ny.jpg"


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({}, 10),
        ({"candidates": 1}, 1),
        ({"candidates": 12}, 12),
        ({"candidates": 1000}, 12),  # more than the map has
        ({"shortlist": 3}, 3),
        ({"candidates": 2, "shortlist": 3}, 2),
        ({"candidates": 3, "shortlist": 3, "rerank": "yes"}, 3),
        ({"shortlist": 1000, "rerank": "1"}, 10),
    ],
)
def test_how_many_candidates(parameters: dict[str, str | int], count: int, town: Town, town_server: Served) -> None:
    content = town.photos["100%.jpg"].read_bytes()
    answer = town_server.client.post("/localize", content=content, params=parameters).json()
    assert len(answer["candidates"]) == count


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"max_wrong": "0"}, ["max_wrong", "'0'", "greater than 0"]),
        ({"max_wrong": "1"}, ["max_wrong", "less than 1"]),
        ({"max_wrong": "nan"}, ["max_wrong"]),
        ({"min_confidence": "1.01"}, ["min_confidence", "less than or equal to 1"]),
        ({"min_confidence": "-0.1"}, ["min_confidence", "greater than or equal to 0"]),
        ({"candidates": "0"}, ["candidates", "'0'", "greater than or equal to 1"]),
        ({"candidates": "-1"}, ["candidates", "'-1'"]),
        ({"candidates": "1001"}, ["candidates", "'1001'", "less than or equal to 1000"]),
        ({"candidates": "zz"}, ["candidates", "'zz'", "integer"]),
        ({"candidates": "1e9"}, ["candidates"]),
        ({"candidates": "9" * 5000}, ["candidates"]),
        ({"candidates": ""}, ["candidates"]),
        ({"candidates": "2.5"}, ["candidates", "'2.5'"]),
        ({"shortlist": "0"}, ["shortlist"]),
        ({"shortlist": "1001"}, ["shortlist", "1000"]),
        ({"candidates": "5", "shortlist": "4"}, ["candidates", "shortlist", "4", "5"]),
        ({"rerank": "maybe"}, ["rerank", "'maybe'"]),
        ({"shortlst": "5"}, ["shortlst", "'5'", "unknown", "did you mean shortlist?"]),
    ],
)
def test_a_wrong_parameter_is_named_with_its_value_and_the_limit(
    parameters: dict[str, str], named: list[str], town: Town, town_server: Served
) -> None:
    content = town.photos["100%.jpg"].read_bytes()
    response = town_server.client.post("/localize", content=content, params=parameters)
    assert response.status_code == 422
    problem = response.json()
    assert problem["code"] == "invalid_parameter"
    for word in named:
        assert word in problem["detail"]
    assert len(response.content) < 1000


def test_several_maps_are_told_apart_by_name(town: Town, village: Town, serve: Serve) -> None:
    served = serve(town, village)
    content = village.photos["1.jpg"].read_bytes()
    answer = served.client.post("/localize", content=content, params={"map": "village"}).json()
    assert (answer["map"]["name"], answer["candidates"][0]["id"]) == ("village", "1.jpg")
    assert answer["position"]["latitude"] == pytest.approx(-33.9, abs=1e-6)
    elsewhere = served.client.post("/localize", content=content, params={"map": "town"}).json()
    assert elsewhere["map"]["name"] == "town"
    unnamed = served.client.post("/localize", content=content)
    assert (unnamed.status_code, unnamed.json()["code"]) == (422, "invalid_parameter")
    assert "town, village" in unnamed.json()["detail"]
    unknown = served.client.post("/localize", content=content, params={"map": "<script>"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "map_not_found")
    assert "script" not in unknown.text


def test_ids_timings_and_headers(town: Town, town_server: Served) -> None:
    content = town.photos["100%.jpg"].read_bytes()
    response = town_server.client.post("/localize", content=content, headers={"X-Request-Id": "trace-1.2_3"})
    assert response.headers["X-Request-Id"] == response.json()["request_id"] == "trace-1.2_3"
    timings = response.json()["timings_ms"]
    assert f"encode;dur={timings['encode']}" in response.headers["Server-Timing"]
    assert sum(timings.values()) - timings["total"] <= timings["total"] + 0.01  # stages do not overlap
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("request_id", ["a" * 65, "a b", "<script>", "", "ä", "a;b"])
def test_an_insane_request_id_is_replaced(request_id: str, town_server: Served) -> None:
    headers = [(b"X-Request-Id", request_id.encode("latin-1"))]
    given = town_server.client.get("/health/live", headers=headers).headers["X-Request-Id"]
    assert given != request_id
    assert len(given) == 16


def test_all_eight_orientations_are_one_place(tmp_path: Path, town: Town, town_server: Served) -> None:
    original = Image.open(town.photos["100%.jpg"])
    turns = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for orientation, turn in turns.items():
        stored = original if turn is None else original.transpose(turn)
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = tmp_path / f"{orientation}.png"
        stored.save(path, exif=exif)
        answer = town_server.client.post("/localize", content=path.read_bytes()).json()
        assert answer["candidates"][0]["id"] == "100%.jpg"
        assert answer["candidates"][0]["global_distance"] < 1e-3


def test_many_clients_at_a_time_each_get_their_own_answer(town: Town, town_server: Served) -> None:
    def ask(place_id: str) -> tuple[str, str]:
        with httpx.Client(base_url=town_server.client.base_url, timeout=60) as client:
            answer = client.post("/localize", content=town.photos[place_id].read_bytes()).json()
        return place_id, answer["candidates"][0]["id"]

    with ThreadPoolExecutor(12) as pool:
        for asked, answered in pool.map(ask, list(town.photos) * 4):
            assert asked == answered
