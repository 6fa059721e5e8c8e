"""The OpenAPI document: complete, and what the service does."""

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
    assert content["image/jpeg"]["schema"] == {"type": "string", "format": "binary"}


def test_every_member_of_every_schema_is_described(document: dict[str, Any]) -> None:
    undescribed = [
        f"{name}.{member}"
        for name, schema in document["components"]["schemas"].items()
        for member, description in schema.get("properties", {}).items()
        if not {"description", "$ref"} & set(description)
    ]
    assert undescribed == []
    assert "HTTPValidationError" not in document["components"]["schemas"]
