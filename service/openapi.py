"""Complete the OpenAPI document that the framework makes of the routes."""

from typing import Any

from fastapi import FastAPI

from service.errors import KeyMissing, KeyUnknown, ScopeMissing
from service.routes.responses import problem_responses
from service.schemas.geojson import FeatureCollection
from service.schemas.problem import Problem


def complete_openapi(app: FastAPI, *, has_keys: bool) -> None:
    """Make an application's document describe the service.

    This adds the schemas of problems and of GeoJSON, which no route has as its model, and removes the framework's own
    answer to parameters that do not fit, which this application never gives. Routes that need a scope may answer 401
    and 403, if the service has keys; if it has none, the document does not mention keys.

    Args:
        app: The application with all its routes.
        has_keys: Whether the service has a file of keys.
    """
    make_document = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = make_document()
            _describe_other_answers(document)
            _describe_access(document, has_keys=has_keys)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _describe_other_answers(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for model in (Problem, FeatureCollection):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs") | {model.__name__: schema}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for operation in _operations(document):
        if "HTTPValidationError" in str(operation["responses"].get("422")):
            del operation["responses"]["422"]


def _describe_access(document: dict[str, Any], *, has_keys: bool) -> None:
    denials = problem_responses(KeyMissing, KeyUnknown, ScopeMissing)
    if not has_keys:
        del document["components"]["securitySchemes"]
    for operation in _operations(document):
        if not has_keys:
            operation.pop("security", None)
        elif "security" in operation:
            responses = operation["responses"] | {str(status): denials[status] for status in (401, 403)}
            operation["responses"] = dict(sorted(responses.items()))


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]
