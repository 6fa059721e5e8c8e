"""Describe problems for the OpenAPI document."""

from collections import defaultdict
from typing import Any

from model.errors import PlacefixError
from service.problems import INTERNAL_ERROR_CODE, PROBLEM_KINDS, PROBLEM_MEDIA_TYPE
from service.schemas.problem import Problem

_INTERNAL_ERROR_STATUS = 500
_INTERNAL_ERROR_TITLE = "Internal error"


def problem_responses(*kinds: type[PlacefixError]) -> dict[int | str, dict[str, Any]]:
    """Describe the problems that a route may answer with, by status; an unexpected error is always among them."""
    titles: dict[int, dict[str, str]] = defaultdict(dict)  # status → code → title
    for kind in kinds:
        problem = PROBLEM_KINDS[kind.code]
        titles[problem.status][kind.code] = problem.title
    titles[_INTERNAL_ERROR_STATUS][INTERNAL_ERROR_CODE] = _INTERNAL_ERROR_TITLE
    return {status: _describe(status, of_status) for status, of_status in sorted(titles.items())}


def _describe(status: int, titles: dict[str, str]) -> dict[str, Any]:
    return {
        "description": "; ".join(f"{title} (`{code}`)" for code, title in titles.items()) + ".",
        "content": {
            PROBLEM_MEDIA_TYPE: {
                "schema": {"$ref": f"#/components/schemas/{Problem.__name__}"},
                "examples": {code: {"value": _example(status, code, title)} for code, title in titles.items()},
            }
        },
    }


def _example(status: int, code: str, title: str) -> dict[str, Any]:
    return {
        "type": f"urn:placefix:problem:{code}",
        "title": title,
        "status": status,
        "detail": "A sentence that says why this request failed.",
        "code": code,
        "request_id": "f1d2d2f924e986ac",
    }
