"""Describe wrong parameters: unknown ones, repeated ones, and those that do not fit."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

ErrorDetails = dict[str, Any]
"""The details that ``RequestValidationError`` takes."""

# The names of the same parameters in neighbouring services and libraries.
_SYNONYMS = {
    "candidates": ("k", "limit", "max_results", "n", "num_candidates", "num_results", "results", "top_k", "top_n"),
    "heading": ("azimuth", "bearing", "compass", "compass_angle", "direction"),
    "map": ("collection", "dataset", "map_id", "map_name"),
    "near": ("around", "center", "centre", "latlon", "location", "position", "prior"),
    "rerank": ("re_rank", "reranking", "use_rerank"),
    "within_m": ("radius", "radius_m"),
    "shortlist": ("num_rerank", "rerank_k", "rerank_top_k", "shortlist_size"),
}


def unknown_parameter(name: str, value: object, known: Collection[str]) -> ErrorDetails:
    """Describe an unknown parameter, with the known ones and the nearest of them."""
    if not known:
        message = "unknown; none is known here"
    else:
        nearest = _nearest(name, known)
        message = f"unknown; known are {', '.join(sorted(known))}" + (f"; did you mean {nearest}?" if nearest else "")
    return {"type": "unknown", "loc": (name,), "msg": message, "input": value}


def wrong_names(given: Iterable[tuple[str, object]], known: Collection[str]) -> list[ErrorDetails]:
    """Describe the parameters that are unknown, and those that are given more than once."""
    errors: list[ErrorDetails] = []
    seen: set[str] = set()
    for name, value in given:
        if name not in known:
            errors.append(unknown_parameter(name, value, known))
        elif name in seen:
            errors.append({"type": "repeated", "loc": (name,), "msg": "given more than once", "input": value})
        seen.add(name)
    return errors


def parameter_errors(error: ValidationError, model: type[BaseModel]) -> list[ErrorDetails]:
    """Describe the values that do not fit a model; members that it does not have are unknown parameters."""
    return [
        unknown_parameter(str(found["loc"][-1]), found["input"], model.model_fields)
        if found["type"] == "extra_forbidden"
        else dict(found)
        for found in error.errors(include_url=False)
    ]


def _nearest(name: str, known: Collection[str]) -> str | None:
    word = name.lower().replace("-", "_")
    for meant, others in _SYNONYMS.items():
        if meant in known and word in others:
            return meant
    return next(iter(get_close_matches(word, known, n=1)), None)
