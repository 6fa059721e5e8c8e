"""The OpenAPI document: complete, and what the service does."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.conftest import Served


@pytest.fixture(scope="module")
def document(town_server: Served) -> dict[str, Any]:
    return dict(town_server.client.get("/openapi.json").json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_is_described_with_its_problems(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")):
                assert set(response["content"]) == {"application/problem+json"}, (name, status)


def test_the_picture_may_come_as_a_form_or_as_the_body(document: dict[str, Any]) -> None:
    content = document["paths"]["/localize"]["post"]["requestBody"]["content"]
    assert content["multipart/form-data"]["schema"]["required"] == ["image"]
    assert content["application/octet-stream"]["schema"] == {"type": "string", "format": "binary"}
    fields = content["multipart/form-data"]["schema"]["properties"]
    parameters = {each["name"] for each in document["paths"]["/localize"]["post"]["parameters"]}
    assert set(fields) == {"image"} | parameters
    assert fields["candidates"]["type"] == "integer"


def test_operations_have_short_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert sorted(names) == sorted(set(names))
    assert {
        "localize",
        "list_maps",
        "get_map",
        "get_thumbnail",
        "list_versions",
        "list_places",
        "activate_version",
    } <= set(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)?", name) for name in names)


def test_answers_that_are_pictures_are_typed_as_such(document: dict[str, Any]) -> None:
    """With a type, too, that generators of clients know which know no pictures."""
    for path in ("/maps/{name}/places/{id}/thumbnail", "/samples/{id}"):
        content = document["paths"][path]["get"]["responses"]["200"]["content"]
        assert {"image/jpeg", "application/octet-stream"} <= set(content)
        assert "application/json" not in content
        assert all(each == {"schema": {"type": "string", "format": "binary"}} for each in content.values())


def test_every_member_of_every_schema_is_described(document: dict[str, Any]) -> None:
    undescribed = [
        f"{name}.{member}"
        for name, schema in document["components"]["schemas"].items()
        for member, description in schema.get("properties", {}).items()
        if not {"description", "$ref"} & set(description)
    ]
    assert undescribed == []
    assert "HTTPValidationError" not in document["components"]["schemas"]
