"""Answers as GeoJSON, for those who ask for it."""

from typing import Any

import pytest

from service.accepted_types import is_preferred
from tests.service.asking import check_problem
from tests.service.conftest import CONFIDENCES, Serve, Served, Town
from tests.service.pictures import JPEG

GEOJSON = "application/geo+json"


def ask(served: Served, content: bytes, **parameters: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask the same question twice, for GeoJSON and for JSON."""
    features = served.client.post("/localize", content=content, params=parameters, headers={"Accept": GEOJSON})
    assert features.status_code == 200
    assert features.headers["Content-Type"] == GEOJSON
    assert features.headers["Server-Timing"]
    assert features.json()["features"][0]["properties"]["request_id"] == features.headers["X-Request-Id"]
    return features.json(), served.client.post("/localize", content=content, params=parameters).json()


@pytest.mark.parametrize("status", [*CONFIDENCES, "uncalibrated"])
def test_the_answer_comes_first_and_then_the_candidates(
    status: str, judged_towns: dict[str, Town], serve: Serve
) -> None:
    served = serve(judged_towns[status])
    found, plain = ask(served, JPEG, candidates=3)
    assert found["type"] == "FeatureCollection"
    answer, *candidates = found["features"]
    assert {feature["type"] for feature in found["features"]} == {"Feature"}
    position, accuracy = plain["position"], plain["accuracy"] or {"radius_m": None, "level": None}
    if status == "not_found":
        assert answer["geometry"] is None
    else:
        coordinates = [position["longitude"], position["latitude"]]
        assert answer["geometry"] == {"type": "Point", "coordinates": coordinates}
    properties = {name: value for name, value in answer["properties"].items() if name != "request_id"}
    assert properties == {
        "kind": "answer",
        "status": status,
        "confidence": plain["confidence"],
        "radius_m": accuracy["radius_m"],
        "level": accuracy["level"],
        "map": plain["map"]["name"],
        "map_version": plain["map"]["version"],
    }
    assert len(candidates) == 3
    for feature, candidate in zip(candidates, plain["candidates"], strict=True):
        longitude, latitude = candidate.pop("longitude"), candidate.pop("latitude")
        assert feature["geometry"] == {"type": "Point", "coordinates": [longitude, latitude]}
        assert feature["properties"] == {"kind": "candidate", **candidate}


def test_a_problem_stays_a_problem(town_server: Served) -> None:
    headers = {"Accept": GEOJSON}
    check_problem(town_server.client.post("/localize", content=b"none", headers=headers), 415, "not_an_image")
    check_problem(town_server.client.post("/localize?candidates=0", headers=headers), 422, "invalid_parameter")


def test_the_document_describes_it_behind_the_answer_that_everybody_gets(town_server: Served) -> None:
    document = town_server.client.get("/openapi.json").json()
    content = document["paths"]["/localize"]["post"]["responses"]["200"]["content"]
    assert list(content) == ["application/json", GEOJSON]
    assert content[GEOJSON]["schema"] == {"$ref": "#/components/schemas/FeatureCollection"}
    assert {"FeatureCollection", "AnswerFeature", "CandidateFeature", "Point"} <= set(document["components"]["schemas"])


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (GEOJSON, True),
        (f"{GEOJSON}, application/json;q=0.9", True),
        (f"{GEOJSON}, application/json", True),
        (f"{GEOJSON}, */*", True),
        ("Application/Geo+JSON; q=0.5, text/html", True),
        ("", False),
        ("*/*", False),
        ("application/*", False),
        ("application/json", False),
        (f"application/json, {GEOJSON}", False),
        (f"{GEOJSON};q=0.5, application/json", False),
        (f"{GEOJSON};q=0.5, */*;q=0.8", False),
        (f"{GEOJSON};q=0", False),
        (f"{GEOJSON};q=much", False),
        ("text/html, image/png", False),
        (";;,,=;q", False),
    ],
)
def test_what_is_preferred(accept: str, expected: bool) -> None:
    assert is_preferred(GEOJSON, "application/json", accept) is expected
