"""The service describes itself: liveness, readiness, maps, thumbnails, the page of the documents."""

import threading
from io import BytesIO
from urllib.parse import quote

import pytest
from PIL import Image

from place_map.errors import MapNotFound
from service.engine import Engine
from service.schemas.problem import Problem
from service.served_maps import OnUnread
from service.settings import ServiceSettings
from tests.service.conftest import Serve, Served, Town, serving


def test_liveness_answers_while_loading_and_readiness_says_not_yet(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    may_load = threading.Event()
    load = Engine.load

    def load_late(settings: ServiceSettings, on_unread: OnUnread) -> Engine:
        assert may_load.wait(60)
        return load(settings, on_unread)

    monkeypatch.setattr(Engine, "load", load_late)
    with serving(ServiceSettings(maps=(town.map_path,))) as served:
        try:
            assert served.client.get("/health/live").json() == {"status": "live"}
            for method, path in (("GET", "/health/ready"), ("POST", "/localize"), ("GET", "/maps"), ("GET", "/maps/a")):
                response = served.client.request(method, path)
                assert response.status_code == 503
                assert response.headers["Retry-After"] == "1"
                assert response.headers["Content-Type"] == "application/problem+json"
                assert response.json()["code"] == "not_ready"
                assert "loading" in response.json()["detail"]
            assert "placefix_ready 0.0" in served.client.get("/metrics").text
        finally:
            may_load.set()
        served.wait_until_ready()
        assert "placefix_ready 1.0" in served.client.get("/metrics").text


def test_readiness_says_what_runs(town_server: Served) -> None:
    ready = town_server.client.get("/health/ready").json()
    assert ready["status"] == "ready"
    assert (ready["device"], bool(ready["device_reason"])) == ("cpu", True)
    assert ready["network"]["is_trained"] is False
    assert len(ready["network"]["fingerprint"]) == 64
    [described] = ready["maps"]
    shortlist = 20 if described["matcher"] == "torch-float32" else 100
    assert ready["defaults"] == {"candidates": 10, "shortlist": shortlist, "rerank": "auto", "max_wrong": 0.05}
    assert (described["name"], described["version"], described["pictures"]) == ("town", "000001", 12)
    assert described["searcher"] == "faiss-cpu"
    assert (ready["encoding"], ready["encoding_reason"]) == ("float32", "auto: as the map was encoded")


def test_a_map_that_is_not_there_is_a_failure_and_not_a_server_that_never_gets_ready(town: Town) -> None:
    has_failed = threading.Event()
    settings = ServiceSettings(maps=(town.map_path / "nowhere",))
    with serving(settings, prepare=lambda runtime: setattr(runtime, "_on_failure", has_failed.set)) as served:
        assert has_failed.wait(60)
        assert isinstance(served.runtime.failure, MapNotFound)
        assert served.client.get("/health/ready").status_code == 503
        assert served.client.get("/health/live").status_code == 200


def test_maps_are_listed_and_described(town: Town, village: Town, serve: Serve) -> None:
    client = serve(village, town, matching_precision="exact").client
    of_both = {
        "version": "000001",
        "is_damaged": False,
        "family": "selavpr",
        "reranker": "mutual-matches",
        "weights_licence": None,
    }
    listed = [{"name": "town", "pictures": 12, **of_both}, {"name": "village", "pictures": 3, **of_both}]
    assert client.get("/maps").json() == {"maps": listed}
    described = client.get("/maps/village").json()
    assert described["pictures"] == 3
    assert described["preprocessing"] == "antialias"
    assert described["searcher"] == "faiss-cpu"
    assert (described["encoding"], described["query_encoding"]) == ("float32", "float32")
    assert described["matcher"] == "torch-float32"
    unknown = client.get("/maps/city")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "map_not_found")


def test_every_picture_has_a_thumbnail_whatever_its_id(town: Town, town_server: Served) -> None:
    for place_id in town.photos:
        response = town_server.client.get(f"/maps/town/places/{quote(place_id)}/thumbnail")
        assert response.status_code == 200, place_id
        assert response.headers["Content-Type"] == "image/jpeg"
        assert Image.open(BytesIO(response.content)).format == "JPEG"
        escaped = town_server.client.get(f"/maps/town/places/{quote(place_id, safe='')}/thumbnail")
        assert escaped.content == response.content


@pytest.mark.parametrize(
    "place_id", ["nothing.jpg", "../../CURRENT", "a street", "a%20street/0.jpg/", "%00", "é" * 500]
)
def test_other_ids_have_none(place_id: str, town_server: Served) -> None:
    response = town_server.client.get(f"/maps/town/places/{quote(place_id, safe='')}/thumbnail")
    assert response.status_code == 404
    assert response.json()["code"] == "place_not_found"


def test_the_documents_page_fetches_nothing_from_elsewhere(town_server: Served) -> None:
    client = town_server.client
    page = client.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "unsafe-eval" not in page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "//" not in page.text.replace("<!doctype", "")
    for path, start_of_text in (
        ("/docs/swagger-ui.js", b"/*! For license"),
        ("/docs/swagger-ui.css", b".swagger-ui"),
        ("/docs/start.js", b"SwaggerUIBundle("),
    ):
        assert path.removeprefix("/") in page.text
        response = client.get(path)
        assert response.status_code == 200
        assert response.content.startswith(start_of_text)
    assert client.get("/openapi.json").status_code == 200


def test_every_described_problem_has_its_own_example(town_server: Served) -> None:
    paths = town_server.client.get("/openapi.json").json()["paths"]
    examples = [
        (int(status), code, example["value"])
        for operations in paths.values()
        for operation in operations.values()
        for status, response in operation["responses"].items()
        for code, example in response.get("content", {}).get("application/problem+json", {}).get("examples", {}).items()
    ]
    assert len(examples) >= 20
    for status, code, example in examples:
        problem = Problem.model_validate(example)
        assert (problem.status, problem.code) == (status, code)
        assert problem.type.endswith(f":{code}")
