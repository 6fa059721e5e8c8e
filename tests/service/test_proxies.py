"""The service behind nginx and Caddy, as the examples have them: TLS, a path, large and slow bodies, connections."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from PIL import Image

from benchmarks.browser import Tab
from service.page_files import page_files
from service.settings import ServiceSettings
from tests.service.asking import check_problem
from tests.service.conftest import Served, Town, serving
from tests.service.pictures import JPEG, encoded
from tests.service.proxies import PROXIES, Proxy, proxying
from tests.service.test_metrics import scrape, value
from tests.waiting import PATIENCE_S, wait_until

PHOTO_BYTES = 12_000_000


@pytest.fixture(scope="module")
def behind(town: Town) -> Iterator[Served]:
    settings = ServiceSettings(
        maps=(town.map_path,), root_path="/placefix", max_upload_bytes=2 * PHOTO_BYTES, upload_timeout_s=2
    )
    with serving(settings) as served:
        served.wait_until_ready()
        yield served


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, behind: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with proxying(request.param, behind.port, tmp_path_factory.mktemp(request.param)) as started:
        yield started


@pytest.fixture(scope="module")
def client(proxy: Proxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, verify=proxy.trusted, timeout=60, trust_env=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def photo() -> bytes:
    """Make a photo like a phone's: 12 megapixels, and a byte for each."""
    random = np.random.default_rng(0)
    noise = Image.fromarray(random.integers(0, 256, (1512, 2016, 3), dtype=np.uint8)).resize((4032, 3024))
    content = encoded(noise, "JPEG", quality=97)
    return content + bytes(max(0, PHOTO_BYTES - len(content)))


def test_a_photo_of_a_phone_is_answered_as_without_a_proxy(photo: bytes, client: httpx.Client, behind: Served) -> None:
    assert PHOTO_BYTES <= len(photo) < 2 * PHOTO_BYTES
    direct = behind.client.post("/localize", content=photo).json()["candidates"]
    for options in ({"content": photo}, {"files": {"image": ("photo.jpg", photo, "image/jpeg")}}):
        response = client.post("/localize", **options)
        assert response.status_code == 200, response.text
        assert response.json()["candidates"] == direct


def test_a_slow_body_is_waited_for_while_it_comes(photo: bytes, client: httpx.Client) -> None:
    def slowly() -> Iterator[bytes]:
        for start in range(0, len(photo), len(photo) // 4 + 1):
            yield photo[start : start + len(photo) // 4 + 1]
            time.sleep(0.2)

    assert client.post("/localize", content=slowly()).status_code == 200


def test_a_body_that_stops_is_given_up_and_its_client_told(photo: bytes, proxy: Proxy, behind: Served) -> None:
    def given_up() -> float:
        return value(scrape(behind), "placefix_rejected_total", reason="upload_timeout")

    address, before = httpx.URL(proxy.url), given_up()
    head = f"POST {address.path}/localize HTTP/1.1\r\nHost: {address.host}\r\nContent-Length: {len(photo)}\r\n\r\n"
    with (
        socket.create_connection((address.host, address.port or 0), timeout=PATIENCE_S) as connection,
        proxy.trusted.wrap_socket(connection, server_hostname=address.host) as secure,
    ):
        secure.sendall(head.encode() + photo[: PHOTO_BYTES // 2])
        wait_until(lambda: given_up() == before + 1)
        secure.sendall(b"more")  # Caddy hands an early answer on only once it has read something more
        response = http.client.HTTPResponse(secure)
        response.begin()
        assert (response.status, response.headers["Content-Type"]) == (408, "application/problem+json")
        assert json.loads(response.read())["code"] == "upload_timeout"


def test_what_is_refused_before_the_body_has_come_is_read(photo: bytes, client: httpx.Client) -> None:
    check_problem(client.post("/localize?candidates=0", content=photo), 422, "invalid_parameter")
    check_problem(client.post("/localize", content=photo * 2), 413, "body_too_large")
    check_problem(client.post("/localize", content=b"no picture"), 415, "not_an_image")
    assert client.post("/localize", content=JPEG).status_code == 200


def test_the_page_its_document_and_all_pictures_are_below_the_path(
    town: Town, client: httpx.Client, proxy: Proxy
) -> None:
    address = proxy.url.removesuffix("/placefix")
    led = httpx.get(f"{address}/placefix", verify=proxy.trusted, trust_env=False, follow_redirects=True)
    assert (str(led.url), led.status_code) == (f"{proxy.url}/", 200)
    assert "Placefix" in led.text
    for name in (
        page_files().path_of("page.js").removeprefix("/"),
        "docs",
        "docs/swagger-ui.css",
        "health/ready",
        "samples",
    ):
        assert client.get(f"/{name}").status_code == 200, name
    document = client.get("/openapi.json").json()
    assert httpx.URL(proxy.url).join(document["servers"][0]["url"]) == proxy.url
    assert "town" not in httpx.get(f"{address}/maps", verify=proxy.trusted, trust_env=False).text
    for place_id in town.photos:
        response = client.get(f"/maps/town/places/{quote(place_id)}/thumbnail")
        assert (response.status_code, response.headers["Content-Type"]) == (200, "image/jpeg"), place_id


def test_connections_to_the_service_are_kept(client: httpx.Client, behind: Served) -> None:
    connections = behind.server.server_state.connections
    client.get("/health/live")
    before = set(connections)
    for _ in range(5):
        client.get("/health/live")
    assert before
    assert set(connections) == before


def test_the_document_is_tried_out_below_the_path(proxy: Proxy, tab: Tab) -> None:
    tab.call("Security.setIgnoreCertificateErrors", ignore=True)
    tab.go(f"{proxy.url}/docs")
    path = "[...document.querySelectorAll('.opblock-summary-path')].find((each) => /^.?.maps$/.test(each.textContent))"
    for button in (path, "document.querySelector('.try-out__btn')", "document.querySelector('.execute')"):
        tab.wait_for(button)
        tab.run(f"{button}.click()")
    tab.wait_for("document.querySelector('.live-responses-table .response-col_status')")
    assert tab.run("document.querySelector('.request-url pre').textContent") == f"{proxy.url}/maps"
    assert tab.run("document.querySelector('.live-responses-table tbody .response-col_status').textContent") == "200"
