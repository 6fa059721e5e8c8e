"""Directions of cameras as people and programs write them."""

import re
from math import isfinite

from index_builder.sources.coordinates import parse_number

_UNIT = re.compile(r"\s*(?:°|º|deg(?:rees)?\.?)\s*$", re.IGNORECASE)
_FRACTION = re.compile(r"(-?\d+)/(\d+)")


def compass_deg(heading_deg: float) -> float:
    """Return a direction in [0, 360); twice, because -1e-17 % 360 is rounded to 360."""
    return heading_deg % 360 % 360


def parse_heading(text: str) -> float | None:
    """Read degrees: ``270``, ``270,5``, ``270°``, ``270 deg``, ``+170.1``, ``27000/100`` (XMP); None for other text."""
    text = _UNIT.sub("", text.strip())
    if found := _FRACTION.fullmatch(text):
        return int(found[1]) / int(found[2]) if int(found[2]) else None
    return parse_number(text)


def heading_in(value: object) -> float | None:
    """Return the degrees of a number or a text, as JSON has them; None for anything else."""
    if isinstance(value, str):
        return parse_heading(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        heading_deg = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return heading_deg if isfinite(heading_deg) else None
