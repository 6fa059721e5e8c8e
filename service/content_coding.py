"""Decide whether an answer may be compressed."""

from starlette.datastructures import Headers

VARY = {"Vary": "Accept-Encoding"}
"""A header of answers that are compressed for some clients."""


def takes_gzip(headers: Headers) -> bool:
    """Return whether a request says that its answer may be compressed by gzip."""
    codings = [part.partition(";") for part in headers.get("Accept-Encoding", "").lower().split(",")]
    weights = {name.strip(): _weight(parameters) for name, _, parameters in codings}
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
