"""Several photos in one request: of one place, or a sequence; their limits, and clients that leave."""

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from model.weights import load_selavpr
from service.schemas.answer import LocalizationAnswer
from service.settings import ServiceSettings
from tests.calibrations import calibration, give
from tests.service.asking import END, HEAD, MULTIPART, check_problem, is_healthy, part
from tests.service.conftest import Serve, Served, Town, build_town
from tests.service.pictures import JPEG
from tests.service.test_overload import Gate, is_metric, metric
from tests.waiting import wait_until

FIRST, SECOND = "a street/1.jpg", "a street/2.jpg"


def post(served: Served, photos: list[bytes], fields: dict[str, str] | None = None, **options: Any) -> httpx.Response:
    return served.client.post("/localize", files=[("image", photo) for photo in photos], data=fields, **options)


def test_photos_of_one_place_get_one_answer_and_the_evidence_of_each(town: Town, town_server: Served) -> None:
    photos = [town.photos[name].read_bytes() for name in (FIRST, FIRST, SECOND)]
    response = post(town_server, photos, {"together": "place", "rerank": "true", "candidates": "3"})
    assert response.status_code == 200, response.text
    answer = LocalizationAnswer.model_validate(response.json())
    assert answer.photos is not None
    assert [each.photo for each in answer.photos] == [1, 2, 3]
    assert len(answer.candidates) == 3
    assert answer.candidates[0].id == FIRST
    assert [each.candidate and each.candidate.id for each in answer.photos[:2]] == [FIRST, FIRST]
    assert answer.photos[0].candidate is not None
    assert answer.photos[0].candidate.rank == 1
    assert all(each.evidence is not None and each.evidence.compared == 12 for each in answer.photos)
    timings = answer.timings_ms
    assert min(timings.encode, timings.rerank, timings.decode) > 0
    assert sum(timings.model_dump().values()) - timings.total <= timings.total + 0.01
    by_address = post(town_server, photos, params={"together": "place", "rerank": "true", "candidates": "3"}).json()
    assert by_address["candidates"] == response.json()["candidates"]
    assert by_address["photos"] == response.json()["photos"]


def test_a_sequence_is_answered_by_its_last_photo(town: Town, town_server: Served) -> None:
    photos = [town.photos[name].read_bytes() for name in ("a street/0.jpg", FIRST, SECOND)]
    fields = {"together": "sequence", "rerank": "true"}
    for times in (
        {},
        {"times": "0,30,60"},
        {"times": "2026-05-01T10:00:00Z,2026-05-01T10:00:30Z,2026-05-01T10:01:00Z"},
    ):
        answer = post(town_server, photos, fields | times).json()
        assert [each["candidate"]["id"] for each in answer["photos"]] == ["a street/0.jpg", FIRST, SECOND]
        assert answer["position"]["latitude"] == pytest.approx(town.positions[SECOND].latitude, abs=1e-6)
    backwards = check_problem(post(town_server, photos, fields | {"times": "3,2,1"}), 422, "invalid_parameter")
    assert "times must not go back" in backwards["detail"]


def test_each_photo_of_several_has_its_own_position_as_prior(town: Town, town_server: Served) -> None:
    photos = [town.photos[name].read_bytes() for name in (FIRST, SECOND)]
    fields = {"together": "sequence", "use_exif_position": "true", "within_m": "1"}
    answer = post(town_server, photos, fields).json()
    assert [each["candidate"]["id"] for each in answer["photos"]] == [FIRST, SECOND]
    problem = check_problem(post(town_server, [*photos, JPEG], fields), 422, "no_exif_position")
    assert problem["detail"].startswith("picture 3 of 3: ")


def test_the_confidence_of_several_is_that_of_a_calibrated_map(
    town: Town, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> None:
    positions = dict(list(town.positions.items())[:3])
    folder = tmp_path_factory.mktemp("calibrated")
    own = build_town(folder, "calibrated", load_selavpr(town.weights), positions, first_seed=100)
    give(own.map_path, calibration(0.97))
    served = serve(own)
    photo = own.photos["a street/1.jpg"].read_bytes()
    answer = post(served, [photo, photo], {"together": "place"}).json()
    assert (answer["status"], answer["confidence"]) == ("localized", 0.97)
    assert [each["confidence"] for each in answer["photos"]] == [0.97, 0.97]
    assert answer["accuracy"]["radius_m"] > 0


@pytest.mark.parametrize(
    ("count", "fields", "code", "says"),
    [
        (2, {}, "several_images", "the form has 2 pictures: say with together=place or together=sequence"),
        (11, {"together": "place"}, "several_images", "the form has 11 pictures; at most 10 are asked together"),
        (2, {"together": "both"}, "invalid_parameter", "parameter together is 'both'"),
        (
            2,
            {"together": "place", "times": "1,2"},
            "invalid_parameter",
            "times has no effect without together=sequence",
        ),
        (2, {"together": "sequence", "times": "1"}, "invalid_parameter", "times has 1 times for 2 photos"),
        (2, {"together": "sequence", "times": "1,x"}, "invalid_parameter", "times is '1,x': give seconds"),
        (1, {"times": "1"}, "invalid_parameter", "times has no effect without together=sequence"),
        (2, {"together": "sequence", "times": ""}, "invalid_parameter", "parameter times is ''"),
    ],
)
def test_what_does_not_go_together_is_told(
    count: int, fields: dict[str, str], code: str, says: str, town_server: Served
) -> None:
    assert says in check_problem(post(town_server, [JPEG] * count, fields), 422, code)["detail"]


def test_one_picture_that_is_broken_is_named_by_its_number(town_server: Served) -> None:
    problem = check_problem(post(town_server, [JPEG, b"text", JPEG], {"together": "place"}), 415, "not_an_image")
    assert problem["detail"].startswith("picture 2 of 3: ")


def test_one_photo_together_is_a_place_of_one(town: Town, town_server: Served) -> None:
    content = town.photos[FIRST].read_bytes()
    alone = town_server.client.post("/localize", content=content, params={"rerank": "true"}).json()
    for together in ("place", "sequence"):
        answer = town_server.client.post(
            "/localize", content=content, params={"rerank": "true", "together": together}
        ).json()
        assert answer["candidates"][0] == alone["candidates"][0]
        assert len(answer["photos"]) == 1
    assert alone["photos"] is None


def test_no_more_than_the_setting_or_the_queue_hold_are_asked_together(town: Town, serve: Serve) -> None:
    assert ServiceSettings(queue_size=4).most_images == 4
    served = serve(town, max_images=3)
    fields = {"together": "place", "candidates": "1"}
    assert post(served, [JPEG] * 3, fields).status_code == 200
    assert "at most 3" in check_problem(post(served, [JPEG] * 4, fields), 422, "several_images")["detail"]
    assert check_problem(post(served, [JPEG] * 8, fields), 400, "malformed_body")


def test_photos_of_a_request_wait_together_and_are_encoded_together(
    town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(town, queue_size=4, max_batch_size=8)
    gate = Gate(served.runtime.engine, monkeypatch)
    contents = [town.photos[name].read_bytes() for name in (FIRST, SECOND, FIRST)]
    with ThreadPoolExecutor(2) as pool:
        alone = pool.submit(post, served, contents[:1])
        wait_until(lambda: gate.batches == [1])
        together = pool.submit(post, served, contents, {"together": "place"})
        wait_until(lambda: is_metric(served, "placefix_queue_depth", 3))
        refused = post(served, contents[:2], {"together": "place"})  # one place is free, and two are needed
        check_problem(refused, 503, "overloaded")
        assert metric(served, "placefix_queue_depth") == 3
        assert metric(served, "placefix_in_flight_requests") == 2  # requests, however many photos they have
        gate.is_open.set()
        assert (alone.result(60).status_code, together.result(60).status_code) == (200, 200)
    assert gate.batches == [1, 3]
    assert served.runtime.body_budget.held_bytes == 0
    wait_until(lambda: is_metric(served, "placefix_in_flight_requests", 0))


def test_a_client_that_leaves_takes_all_its_photos_along(
    town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(town, queue_size=8)
    gate = Gate(served.runtime.engine, monkeypatch)
    image = part('form-data; name="image"; filename="a.jpg"', JPEG)
    body = image * 3 + part('form-data; name="together"', b"place") + END
    head = HEAD + f"Content-Type: {MULTIPART}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with ThreadPoolExecutor(1) as pool:
        alone = pool.submit(post, served, [JPEG])
        wait_until(lambda: gate.batches == [1])
        with socket.create_connection(("127.0.0.1", served.port)) as leaving:
            leaving.sendall(head + body)
            wait_until(lambda: is_metric(served, "placefix_queue_depth", 3))
        wait_until(lambda: is_metric(served, "placefix_in_flight_requests", 1))
        gate.is_open.set()
        assert alone.result(60).status_code == 200
    wait_until(lambda: is_metric(served, 'placefix_dropped_total{reason="client_gone"}', 3))
    assert gate.batches == [1]
    assert served.runtime.body_budget.held_bytes == 0
    assert is_healthy(served)


def test_photos_that_are_not_answered_in_time_are_given_up_together(
    town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(town, deadline_s=0.5)
    gate = Gate(served.runtime.engine, monkeypatch)
    check_problem(post(served, [JPEG] * 3, {"together": "place"}), 504, "deadline_exceeded")
    gate.is_open.set()
    wait_until(lambda: is_metric(served, "placefix_queue_depth", 0))
    assert post(served, [JPEG] * 3, {"together": "place"}).status_code == 200
