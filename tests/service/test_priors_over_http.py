"""POST /localize with a prior: in the address, in the form, and in the photo itself."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from model.geo import LatLon, distance_m
from tests.service.asking import check_problem
from tests.service.conftest import Served, Town
from tests.service.pictures import JPEG, encoded, photo

ASKED = "a street/3.jpg"
CORRUPT = encoded(photo(), "JPEG", exif=b"Exif\0\0nonsense, all of it")


def near(position: LatLon) -> str:
    return f"{position.latitude},{position.longitude}"


def ids(answer: dict[str, Any]) -> list[str]:
    return [candidate["id"] for candidate in answer["candidates"]]


def test_only_pictures_of_the_circle_are_candidates(town: Town, town_server: Served) -> None:
    content, here = town.photos["a street/0.jpg"].read_bytes(), town.positions[ASKED]
    around = {place_id for place_id, position in town.positions.items() if distance_m(here, position) <= 400}
    parameters = {"near": near(here), "within_m": "400"}
    by_address = town_server.client.post("/localize", content=content, params=parameters).json()
    by_form = town_server.client.post("/localize", files={"image": content}, data=parameters).json()
    in_both = town_server.client.post(
        "/localize", files={"image": content}, data={"within_m": "400"}, params={"near": near(here)}
    ).json()
    assert set(ids(by_address)) == around
    assert 3 < len(around) < 10
    assert ids(by_address) == ids(by_form) == ids(in_both)
    assert by_address["status"] == "uncalibrated"


def test_pictures_of_another_or_of_unknown_heading_are_no_candidates(town: Town, town_server: Served) -> None:
    content, here = town.photos[ASKED].read_bytes(), town.positions[ASKED]
    parameters = {"near": near(here), "within_m": "90000", "heading": "355", "heading_tolerance": "26"}
    answer = town_server.client.post("/localize", content=content, params=parameters).json()
    assert set(ids(answer)) == {
        "a street/1.jpg",
        "a street/2.jpg",
    }  # at 10° and 20°; the heading of street/0 is unknown


def test_the_photo_itself_says_where_the_circle_is_if_it_is_asked_to(town: Town, town_server: Served) -> None:
    content = town.photos[ASKED].read_bytes()
    own = town_server.client.post("/localize", content=content, params={"use_exif_position": "true", "within_m": "1"})
    assert ids(own.json()) == [ASKED]
    for parameters in ({}, {"use_exif_position": "false"}):
        assert len(ids(town_server.client.post("/localize", content=content, params=parameters).json())) == 10


def test_a_photo_without_a_position_of_its_own_is_told_so(town_server: Served) -> None:
    for content, reason in ((JPEG, "its EXIF block has no GPS position"), (null_island(), "its position is 0, 0")):
        response = town_server.client.post("/localize", content=content, params={"use_exif_position": "true"})
        detail = check_problem(response, 422, "no_exif_position")["detail"]
        assert f"does not say where it was taken: {reason}" in detail
        assert detail.endswith("leave use_exif_position out, or give near instead")
    response = town_server.client.post("/localize", content=CORRUPT, params={"use_exif_position": "true"})
    check_problem(response, 422, "corrupt_exif")
    assert town_server.client.post("/localize", content=CORRUPT).status_code == 200


def null_island() -> bytes:
    exif, buffer = Image.Exif(), BytesIO()
    exif[0x8825] = {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)}
    photo().save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_a_circle_without_pictures_has_no_candidates(town: Town, town_server: Served) -> None:
    content = town.photos[ASKED].read_bytes()
    answer = town_server.client.post("/localize", content=content, params={"near": "-10,20"}).json()
    assert (answer["status"], answer["position"], answer["candidates"]) == ("no_candidates", None, [])
    assert answer["confidence"] is answer["evidence"] is answer["photos"] is None


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"within_m": "5"}, "within_m has no effect without near or use_exif_position"),
        ({"heading": "5"}, "heading has no effect without near"),
        ({"heading_tolerance": "5"}, "heading_tolerance has no effect without near"),
        ({"near": "1,2", "heading_tolerance": "5"}, "heading_tolerance has no effect without heading"),
        ({"near": "1,2", "use_exif_position": "yes"}, "near and use_exif_position both say where the circle is"),
        ({"near": "1;2"}, "parameter near is '1;2'"),
        ({"near": "nan,2"}, "parameter near is 'nan,2'"),
        ({"near": "95,2"}, "near is '95,2': give latitude and longitude in degrees, such as 55.7058,13.1932"),
        ({"near": ""}, "parameter near is ''"),
        ({"near": "1,2", "within_m": "0"}, "parameter within_m is '0': input should be greater than 0"),
        ({"near": "1,2", "within_m": "100001"}, "less than or equal to 100000"),
        ({"near": "1,2", "within_m": "nan"}, "parameter within_m is 'nan'"),
        ({"near": "1,2", "heading": "361"}, "parameter heading is '361'"),
        ({"near": "1,2", "heading": "10", "heading_tolerance": "-1"}, "parameter heading_tolerance is '-1'"),
        ({"use_exif_position": "perhaps"}, "parameter use_exif_position is 'perhaps'"),
        ({"radius": "5"}, "did you mean within_m?"),
        ({"bearing": "5"}, "did you mean heading?"),
    ],
)
def test_what_does_not_fit_is_named(parameters: dict[str, str], says: str, town_server: Served) -> None:
    for request in ({"files": {"image": JPEG}, "data": parameters}, {"content": JPEG, "params": parameters}):
        response = town_server.client.post("/localize", **request)
        assert says in check_problem(response, 422, "invalid_parameter")["detail"]
