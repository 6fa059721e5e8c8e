"""Pages of other origins: closed unless the settings name them, and open to the requests of a browser app."""

import socket
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from place_map.errors import MapNotFound
from service.key_file import append_key
from service.keys import Scope, make_key
from service.server import run_server
from service.settings import ServiceSettings
from tests.service.asking import HEAD
from tests.service.conftest import Serve, Served, Town
from tests.service.pictures import JPEG
from tests.service.test_metrics import scrape, value
from tests.waiting import wait_until

APP = "https://app.example"
THUMBNAIL = "/maps/town/places/100%25.jpg/thumbnail"


def allowing(headers: httpx.Headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("access-control-")}


def preflight(
    served: Served, path: str, method: str, origin: str = APP, headers: str = "authorization"
) -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return served.client.options(path, headers=asked)


def test_a_page_of_a_named_origin_asks_and_reads_every_answer(town: Town, serve: Serve) -> None:
    served = serve(town, cors_origins=(APP, "http://localhost:5173"))
    for response in (
        served.client.post("/localize", content=JPEG, headers={"Origin": APP}),
        served.client.post("/localize", content=b"no picture", headers={"Origin": APP}),
        served.client.post("/localize?candidates=0", content=JPEG, headers={"Origin": APP}),
        served.client.get("/maps", headers={"Origin": APP}),
        served.client.get("/nothing", headers={"Origin": APP}),
        served.client.get(THUMBNAIL, headers={"Origin": APP}),
    ):
        assert response.headers["Access-Control-Allow-Origin"] == APP
        assert "Origin" in response.headers["Vary"]
        exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
        assert {"X-Request-Id", "Retry-After", "WWW-Authenticate"} <= set(exposed)
        assert "Access-Control-Allow-Credentials" not in response.headers
    other = served.client.get("/maps", headers={"Origin": "http://localhost:5173"})
    assert other.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"


@pytest.mark.parametrize(
    "origin", ["https://elsewhere.example", "https://app.example.evil", "http://app.example", "null", ""]
)
def test_a_page_of_another_origin_reads_nothing(origin: str, town: Town, serve: Serve) -> None:
    served = serve(town, cors_origins=(APP,))
    for response in (
        served.client.get("/maps", headers={"Origin": origin}),
        served.client.post("/localize", content=JPEG, headers={"Origin": origin}),
        preflight(served, "/localize", "POST", origin),
    ):
        assert allowing(response.headers) == {}
        assert response.headers["Vary"] == "Origin"


def test_a_browser_is_told_before_it_sends_a_key(town: Town, serve: Serve, tmp_path: Path) -> None:
    _, line = make_key("app", [Scope.READ])
    append_key(tmp_path / "keys.txt", "app", line)
    served = serve(town, cors_origins=(APP,), keys=tmp_path / "keys.txt")
    response = preflight(served, "/localize", "POST")
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == APP
    assert response.headers["Access-Control-Allow-Methods"] == "POST"
    sent = {name.strip().lower() for name in response.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "content-type", "x-api-key", "traceparent"} <= sent
    assert int(response.headers["Access-Control-Max-Age"]) > 0
    assert "X-Request-Id" in response.headers
    without = served.client.post("/localize", content=JPEG, headers={"Origin": APP})
    assert (without.status_code, without.headers["Access-Control-Allow-Origin"]) == (401, APP)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_no_page_of_another_origin_activates_a_version(method: str, town: Town, serve: Serve) -> None:
    served = serve(town, cors_origins=("*",))
    assert allowing(preflight(served, "/maps/town/activate", method).headers) == {}
    response = served.client.post("/maps/town/activate", json={"version": "000001"}, headers={"Origin": APP})
    assert allowing(response.headers) == {}


def test_thumbnails_may_be_shown_where_origins_are_named_and_nowhere_else(
    town: Town, serve: Serve, town_server: Served
) -> None:
    served = serve(town, cors_origins=(APP,))
    policy = "Cross-Origin-Resource-Policy"
    assert served.client.get(THUMBNAIL).headers[policy] == "cross-origin"
    assert served.client.get("/maps").headers[policy] == "same-origin"
    assert town_server.client.get(THUMBNAIL, headers={"Origin": APP}).headers[policy] == "same-origin"


def test_all_origins(town: Town, serve: Serve) -> None:
    served = serve(town, cors_origins=("*",))
    response = served.client.get("/maps", headers={"Origin": "https://elsewhere.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert allowing(served.client.get("/maps").headers) == {}


def test_a_refusal_for_want_of_room_can_be_read(town: Town, serve: Serve) -> None:
    served = serve(town, cors_origins=(APP,), max_in_flight=1)
    with socket.create_connection(("127.0.0.1", served.port)) as first:
        first.sendall(HEAD + b"Content-Length: 5000\r\n\r\nabc")
        wait_until(lambda: value(scrape(served), "placefix_in_flight_requests") == 1)
        response = served.client.post("/localize", content=JPEG, headers={"Origin": APP})
    assert response.json()["code"] == "overloaded"
    assert response.headers["Access-Control-Allow-Origin"] == APP


def test_all_origins_without_a_key_are_warned_of(tmp_path: Path) -> None:
    append_key(tmp_path / "keys.txt", "fleet", make_key("fleet", [Scope.READ])[1])
    nowhere = (tmp_path / "nowhere",)
    for settings, is_warned in (
        (ServiceSettings(maps=nowhere, port=0, cors_origins=("*",)), True),
        (ServiceSettings(maps=nowhere, port=0, cors_origins=("*",), keys=tmp_path / "keys.txt"), False),
        (ServiceSettings(maps=nowhere, port=0, cors_origins=(APP,)), False),
    ):
        with capture_logs() as log, pytest.raises(MapNotFound):
            run_server(settings)
        warnings = [line["event"] for line in log if line["log_level"] == "warning"]
        assert any(warning.startswith("PAGES OF ALL ORIGINS") for warning in warnings) == is_warned
