"""How the OpenAPI document describes problems."""

from collections import defaultdict
from typing import Any

from model.errors import PlacefixError
from service.errors import PROBLEM_KINDS, PROBLEM_MEDIA_TYPE
from service.schemas import Problem

_INTERNAL_ERROR = 500


def problem_responses(*kinds: type[PlacefixError]) -> dict[int | str, dict[str, Any]]:
    """Describes the problems that a route may answer with, by status; an unexpected error always is among them."""
    titles: dict[int, list[str]] = defaultdict(list)
    for kind in kinds:
        problem = PROBLEM_KINDS[kind.code]
        titles[problem.status].append(f"{problem.title} (`{kind.code}`)")
    titles[_INTERNAL_ERROR].append("Internal error (`internal_error`)")
    return {
        status: {
            "description": "; ".join(descriptions) + ".",
            "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
        }
        for status, descriptions in sorted(titles.items())
    }
