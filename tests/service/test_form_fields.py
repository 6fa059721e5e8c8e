"""The fields of a form, the names of parameters, and forms that are not quite forms."""

from typing import Any

import pytest

from tests.service.asking import BOUNDARY, END, IMAGE_PART, MULTIPART, check_problem, exchange, part
from tests.service.conftest import Serve, Served, Town
from tests.service.pictures import JPEG

BARE = f'--{BOUNDARY}\nContent-Disposition: form-data; name="image"; filename="a.jpg"\n\n'.encode()
KNOWN = (
    "unknown; known are candidates, evidence, heading, heading_tolerance, map, max_wrong, min_confidence, near, "
    "rerank, shortlist, times, together, use_exif_position, within_m"
)


def post(served: Served, fields: Any = None, **options: Any) -> Any:
    return served.client.post("/localize", files={"image": JPEG}, data=fields, **options)


def test_fields_of_a_form_count_as_parameters_do(town: Town, village: Town, serve: Serve) -> None:
    served = serve(town, village)
    answer = post(served, {"candidates": "1", "rerank": "true", "shortlist": "2", "map": "village"}).json()
    assert answer["map"]["name"] == "village"
    assert [candidate["mutual_matches"] is not None for candidate in answer["candidates"]] == [True]
    without = post(served, {"map": "town", "candidates": "2", "rerank": "false"}).json()
    assert [candidate["mutual_matches"] for candidate in without["candidates"]] == [None, None]
    together = post(served, {"candidates": "3"}, params={"map": "town", "candidates": "03"})
    assert len(together.json()["candidates"]) == 3
    assert check_problem(post(served, {"map": "city"}), 404, "map_not_found")
    assert "parameter map is missing" in check_problem(post(served), 422, "invalid_parameter")["detail"]


@pytest.mark.parametrize(
    ("address", "fields", "says"),
    [
        ({"candidates": "1"}, {"candidates": "2"}, "candidates is 1 in the address and 2 in the form: give it once"),
        ({}, {"candidates": "0"}, "parameter candidates is '0': input should be greater than or equal to 1"),
        ({}, {"rerank": "perhaps"}, "parameter rerank is 'perhaps'"),
        ({}, {"candidates": "5", "shortlist": "2"}, "candidates must be between 1 and shortlist, which is 2"),
        ({}, {"candidates": ["1", "2"]}, "parameter candidates is '2': given more than once"),
        ({}, {"note": "hello"}, f"parameter note is 'hello': {KNOWN}"),
        ({}, {"top_k": "3"}, f"parameter top_k is '3': {KNOWN}; did you mean"),
    ],
)
def test_fields_that_do_not_fit(address: Any, fields: Any, says: str, town_server: Served) -> None:
    problem = check_problem(post(town_server, fields, params=address), 422, "invalid_parameter")
    assert says in problem["detail"]


def test_a_file_of_another_name_is_not_dropped_silently(town_server: Served) -> None:
    response = town_server.client.post("/localize", files={"image": JPEG, "mask": JPEG})
    assert "parameter mask is 'a file': unknown" in check_problem(response, 422, "invalid_parameter")["detail"]


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("POST", "/localize?top_k=3", f"{KNOWN}; did you mean candidates?"),
        ("POST", "/localize?shortlst=3", "did you mean shortlist?"),
        ("POST", "/localize?candidates=1&candidates=2", "parameter candidates is '2': given more than once"),
        ("GET", "/maps?limit=3", "parameter limit is '3': unknown; none is known here"),
        ("GET", "/maps/town?version=1", "parameter version is '1': unknown"),
        ("GET", "/maps/town/versions?page=2", "parameter page is '2': unknown"),
        ("GET", "/maps/town/places/100%25.jpg/thumbnail?size=64", "parameter size is '64': unknown"),
        ("POST", "/maps/town/activate?version=1", "parameter version is '1': unknown"),
        ("GET", "/samples?limit=3", "parameter limit is '3': unknown"),
        ("GET", "/samples/a.jpg?size=64", "parameter size is '64': unknown"),
        ("GET", "/health/ready?verbose=1", "parameter verbose is '1': unknown"),
        ("GET", "/health/live?verbose=1", "parameter verbose is '1': unknown"),
        ("GET", "/metrics?name=up", "parameter name is 'up': unknown"),
        ("HEAD", "/maps?limit=3", ""),
    ],
)
def test_a_parameter_that_nobody_knows_is_told_with_those_that_are_known(
    method: str, path: str, says: str, town_server: Served
) -> None:
    response = town_server.client.request(method, path)
    assert response.status_code == 422
    if method != "HEAD":
        assert says in check_problem(response, 422, "invalid_parameter")["detail"]


def test_every_documented_route_refuses_parameters_that_it_does_not_know(town_server: Served) -> None:
    paths = town_server.client.get("/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method in methods:
            response = town_server.client.request(method, path, params={"no_such_parameter": "1"})
            assert "no_such_parameter is '1': unknown" in check_problem(response, 422, "invalid_parameter")["detail"]


def test_a_member_of_a_document_that_nobody_knows_is_told_likewise(town_server: Served) -> None:
    response = town_server.client.post("/maps/town/activate", json={"version": "1", "expected": "1"})
    detail = check_problem(response, 422, "invalid_parameter")["detail"]
    assert "unknown; known are expected_version, shards, version; did you mean expected_version?" in detail


@pytest.mark.parametrize("boundary", ["*****", '"a b"', "{x}|~^%", "b" * 70])
def test_a_boundary_that_the_parser_can_split_by_is_accepted(boundary: str, town_server: Served) -> None:
    line = b"--" + boundary.strip('"').encode()
    body = line + IMAGE_PART.removeprefix(f"--{BOUNDARY}".encode()) + line + b"--\r\n"
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    response = town_server.client.post("/localize", content=body, headers=headers)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    "body",
    [
        BARE + JPEG + f"\n--{BOUNDARY}--\n".encode(),
        IMAGE_PART.replace(b"\r\n\r\n", b"\n\n", 1) + END,
        IMAGE_PART[:-2] + f"\n--{BOUNDARY}--\n".encode(),
    ],
    ids=["everywhere", "in the head of a part", "at the end"],
)
def test_a_form_with_bare_line_feeds_is_told_how_lines_end(body: bytes, town_server: Served) -> None:
    response = town_server.client.post("/localize", content=body, headers={"Content-Type": MULTIPART})
    detail = check_problem(response, 400, "malformed_body")["detail"]
    assert "its lines end in a bare line feed" in detail
    assert "send the picture as the whole body" in detail


def test_a_form_that_is_broken_otherwise_is_not_told_so(town_server: Served) -> None:
    for body in (IMAGE_PART, b"this is not\na form", IMAGE_PART[:300]):
        response = town_server.client.post("/localize", content=body, headers={"Content-Type": MULTIPART})
        assert "line feed" not in check_problem(response, 400, "malformed_body")["detail"] or body.startswith(b"this")


@pytest.mark.parametrize("media_type", ["multipart/mixed", "multipart/related", "multipart/x-photo"])
def test_parts_of_another_kind_are_told_what_to_send(media_type: str, town_server: Served) -> None:
    headers = {"Content-Type": f"{media_type}; boundary={BOUNDARY}"}
    response = town_server.client.post("/localize", content=IMAGE_PART + END, headers=headers)
    detail = check_problem(response, 422, "missing_image")["detail"]
    assert f"declared as {media_type}" in detail
    assert "multipart/form-data" in detail


def test_fields_come_in_any_order_and_in_any_pieces(town_server: Served) -> None:
    body = part('form-data; name="candidates"', b"2") + IMAGE_PART + part('form-data; name="rerank"', b"no") + END
    head = b"POST /localize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: "
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[at : at + 7]), body[at : at + 7]) for at in range(0, len(body), 7))
    status, answer = exchange(town_server, head + MULTIPART.encode() + b"\r\n\r\n" + chunks + b"0\r\n\r\n")
    assert (status, answer.count(b'"rank"')) == (200, 2)
