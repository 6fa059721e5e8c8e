"""Paths as proxies and clients write them: below a path of a proxy, and with a slash at the end."""

import socket
from collections.abc import Iterator

import pytest

from model.errors import InvalidInput
from service.app import create_app
from service.paths import route_path
from service.settings import ServiceSettings
from tests.service.asking import HEAD, check_problem
from tests.service.conftest import Serve, Served, Town, serving
from tests.service.pictures import JPEG
from tests.service.test_metrics import scrape, value
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def below(town: Town) -> Iterator[Served]:
    with serving(ServiceSettings(maps=(town.map_path,), root_path="/placefix")) as served:
        served.wait_until_ready()
        yield served


@pytest.mark.parametrize("prefix", ["", "/placefix"])
def test_a_proxy_may_take_the_root_path_off_or_leave_it(prefix: str, below: Served) -> None:
    client = below.client
    assert client.post(f"{prefix}/localize", content=JPEG).status_code == 200
    assert client.get(f"{prefix}/maps/town/places/100%25.jpg/thumbnail").headers["Content-Type"] == "image/jpeg"
    assert "Placefix" in client.get(f"{prefix}/").text
    assert client.get(f"{prefix}/health/ready").status_code == 200
    check_problem(client.get(f"{prefix}/nothing"), 404, "not_found")
    check_problem(client.get(f"{prefix}x/maps"), 404, "not_found")


def test_the_document_says_where_the_service_is_published(below: Served, town_server: Served) -> None:
    assert below.client.get("/placefix/openapi.json").json()["servers"] == [{"url": "/placefix"}]
    assert below.client.get("/openapi.json").json()["servers"] == [{"url": "/placefix"}]
    assert "servers" not in town_server.client.get("/openapi.json").json()


def test_metrics_know_a_route_by_one_name(below: Served) -> None:
    before = value(scrape(below), "placefix_requests_total", route="/maps", status="200")
    for path in ("/maps", "/placefix/maps"):
        assert below.client.get(path).status_code == 200
    assert value(scrape(below), "placefix_requests_total", route="/maps", status="200") == before + 2


@pytest.mark.parametrize("root_path", ["/maps", "/docs/placefix", "/localize"])
def test_a_root_path_that_begins_as_a_path_of_the_service_is_refused(root_path: str) -> None:
    with pytest.raises(InvalidInput, match=f"root_path is {root_path}.*health.*localize"):
        create_app(ServiceSettings(root_path=root_path))


@pytest.mark.parametrize("path", ["/localize/", "/localize"])
def test_a_slash_at_the_end_does_not_matter_to_a_query(path: str, town_server: Served) -> None:
    assert town_server.client.post(path, content=JPEG).status_code == 200
    assert town_server.client.post(f"{path}?candidates=1", files={"image": JPEG}).status_code == 200


@pytest.mark.parametrize("path", ["/localize/", "/placefix/localize", "/placefix/localize/"])
def test_without_room_a_query_is_refused_however_its_path_is_written(path: str, town: Town, serve: Serve) -> None:
    served = serve(town, root_path="/placefix", max_in_flight=1)
    with socket.create_connection(("127.0.0.1", served.port)) as first:
        first.sendall(HEAD + b"Content-Length: 5000\r\n\r\nabc")
        wait_until(lambda: value(scrape(served), "placefix_in_flight_requests") == 1)
        response = served.client.post(f"{path}?no_such_parameter=1", content=JPEG)
    assert response.json()["code"] == "overloaded"  # the parameters of an early refusal are not looked at


@pytest.mark.parametrize(
    ("path", "root_path", "expected"),
    [
        ("/", "", "/"),
        ("/localize", "", "/localize"),
        ("/localize/", "/a", "/localize"),
        ("/a/localize", "/a", "/localize"),
        ("/a/b/maps", "/a/b", "/maps"),
        ("/a/localize/", "/a", "/localize"),
        ("/maps/", "", "/maps/"),
        ("/a/", "/a", "/"),
        ("/ab/maps", "/a", "/ab/maps"),
        ("/a/a/maps", "/a", "/a/maps"),
    ],
)
def test_the_path_of_a_route(path: str, root_path: str, expected: str) -> None:
    assert route_path(path, root_path) == expected
