"""GET /samples: what is listed can be fetched and sent to /localize, and nothing else can be fetched."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from model.geo import LatLon
from service.samples import Sample
from service.settings import ServiceSettings
from tests.conftest import write_photo
from tests.service.asking import check_uncalibrated
from tests.service.conftest import Served, Town, serving

PLACE = LatLon(55.704, 13.192)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("samples")


@pytest.fixture(scope="module")
def samples_server(town: Town, folder: Path) -> Iterator[Served]:
    write_photo(folder / "not listed.jpg", 3)
    samples = (
        Sample("night/ä 1.jpg", write_photo(folder / "1.jpg", 1), "image/jpeg", PLACE, 90.0, "night"),
        Sample("2.jpg", write_photo(folder / "2.jpg", 2), "image/jpeg"),
        Sample("x#?\ny.jpg", write_photo(folder / "4.jpg", 4), "image/jpeg"),
        Sample("gone.jpg", folder / "gone.jpg", "image/jpeg"),
    )
    with serving(ServiceSettings(maps=(town.map_path,)), samples=samples) as served:
        served.wait_until_ready()
        yield served


def test_samples_are_listed_in_their_order_with_what_is_known(samples_server: Served) -> None:
    listed = samples_server.client.get("/samples").json()["samples"]
    assert listed[:2] == [
        {
            "id": "night/ä 1.jpg",
            "url": "samples/night/%C3%A4%201.jpg",
            "latitude": 55.704,
            "longitude": 13.192,
            "heading_deg": 90.0,
            "condition": "night",
        },
        {
            "id": "2.jpg",
            "url": "samples/2.jpg",
            "latitude": None,
            "longitude": None,
            "heading_deg": None,
            "condition": None,
        },
    ]
    assert len(listed) == 4


def test_a_server_without_samples_lists_none(town_server: Served) -> None:
    assert town_server.client.get("/samples").json() == {"samples": []}
    assert town_server.client.get("/samples/2.jpg").json()["code"] == "sample_not_found"


def test_every_listed_picture_can_be_fetched_as_it_is_and_sent(samples_server: Served, folder: Path) -> None:
    listed = samples_server.client.get("/samples").json()["samples"]
    for sample, name in zip(listed, ("1.jpg", "2.jpg", "4.jpg"), strict=False):
        picture = samples_server.client.get(f"/{sample['url']}")
        assert picture.headers["Content-Type"] == "image/jpeg"
        assert picture.content == (folder / name).read_bytes()
        answer = samples_server.client.post("/localize", content=picture.content).json()
        check_uncalibrated(answer)


def test_a_picture_that_has_gone_since_is_a_problem_that_names_no_path(samples_server: Served, folder: Path) -> None:
    response = samples_server.client.get("/samples/gone.jpg")
    assert (response.status_code, response.json()["code"]) == (404, "sample_not_found")
    assert str(folder) not in response.text


@pytest.mark.parametrize(
    "sample_id",
    [
        "not listed.jpg",
        "1.jpg",
        "../1.jpg",
        "night/../2.jpg",
        "/etc/passwd",
        "../../../../etc/passwd",
        "%00",
        "night",
        "",
    ],
)
def test_what_is_not_listed_is_not_served(sample_id: str, samples_server: Served) -> None:
    response = samples_server.client.get(f"/samples/{quote(sample_id, safe='')}")
    assert (response.status_code, response.json()["code"]) == (404, "sample_not_found")


def test_paths_that_climb_unescaped_are_not_served(samples_server: Served) -> None:
    for path in (b"/samples/../../etc/passwd", b"/samples/night/../../1.jpg"):
        response = samples_server.client.build_request("GET", "/samples/x")
        response.url = response.url.copy_with(raw_path=path)
        assert samples_server.client.send(response).status_code == 404
