"""Degrees as people and programs write them, and positions of two of them.

Accepted are ``48.2083``, ``48,2083``, ``48.2083N``, ``-48.2083`` (with any of the signs that look like a minus),
``48°12'29.9"N``, ``48 12 29.9 N``, ``48 deg 12' 29.88" N`` (exiftool) and ``48,12.498N`` (XMP); longitudes may go from
180 to 360.
"""

import re
from dataclasses import dataclass
from math import isfinite

from model.geo import LatLon
from model.positions import PositionFault, Unplaced, checked_position

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("−–‐‑﹣－", "-"),
        **dict.fromkeys("′’‘ʹ´`", "'"),
        **dict.fromkeys("″”“ʺ", '"'),
        **dict.fromkeys("º˚", "°"),
        **dict.fromkeys("\u00a0\u2009\u202f", " "),
    }
)
_LETTER = "North|South|East|West|Ost|Ouest|Oeste|Ovest|[NSEWO]"
_WITH_LETTER = re.compile(rf"(?P<front>{_LETTER})?\s*(?P<number>.*?)\s*(?P<back>{_LETTER})?", re.IGNORECASE)
_WITH_UNITS = re.compile(r"[^a-z]+d[^a-z]+m[^a-z]+s", re.IGNORECASE)
_DECIMAL = re.compile(r"((?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?)\s*(?:°|deg\.?)?")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?")
_WKT = re.compile(r"(?:SRID=4326;)?\s*POINT\s*Z?\s*\(\s*(?P<x>\S+)\s+(?P<y>[^\s)]+)(?:\s+\S+)?\s*\)", re.IGNORECASE)
_PART = r"(\d{1,2}(?:[.,]\d*)?)"
_SEXAGESIMAL = (
    re.compile(
        rf"""(\d{{1,3}})(?:\s*(?:°|deg\.?|d|:)\s*|\s+){_PART}"""
        rf"""(?:(?:\s*(?:'|min|m|:)\s*|\s+){_PART}\s*(?:"|''|sec|s)?|\s*(?:'|min|m)?)"""
    ),
    re.compile(r"(\d{1,3}),(\d{1,2}\.\d*)"),  # XMP: degrees and minutes
    re.compile(r"(\d{1,3}),(\d{1,2}),(\d{1,2}(?:\.\d*)?)"),  # XMP: degrees, minutes and seconds
)


_HINTS = {
    **dict.fromkeys("NSEW", "; are latitude and longitude swapped?"),
    "O": ": O is east in German (Ost) and west in French, Spanish and Italian (Ouest, Oeste, Ovest); write E or W",
}


@dataclass(frozen=True, slots=True)
class Angle:
    """Hold a latitude or longitude as it was written.

    Attributes:
        degrees: The degrees, with the sign that was written.
        letter: N, S, E or W; O, which ``position_from_text`` refuses; empty if none was written.
    """

    degrees: float
    letter: str


def parse_angle(text: str) -> Angle | None:
    """Read degrees, or degrees and minutes, or all three, perhaps with a hemisphere; None for anything else."""
    text = text.translate(_PLAIN).strip()
    if _WITH_UNITS.fullmatch(text):
        text = text[:-1]  # the unit of seconds, and not the south
    found = _WITH_LETTER.fullmatch(text)
    if found is None or (found["front"] and found["back"]):
        return None
    number = found["number"]
    is_negative = number.startswith("-")
    degrees = _magnitude(number[1:].strip() if number[:1] in ("-", "+") else number)
    if degrees is None:
        return None
    letter = (found["front"] or found["back"] or "")[:1].upper()
    return Angle(-degrees if is_negative else degrees, letter)


def parse_number(text: str) -> float | None:
    """Read a finite decimal number, perhaps with a decimal comma; None for anything else."""
    found = _NUMBER.fullmatch(text.translate(_PLAIN).strip())
    if found is None:
        return None
    number = float(found[0].replace(",", "."))
    return number if isfinite(number) else None


def position_from_text(
    latitude: str, longitude: str, *, north_or_south: str = "", east_or_west: str = ""
) -> LatLon | Unplaced:
    """Return the position that two texts state.

    Args:
        latitude: Degrees, perhaps with N or S.
        longitude: Degrees, perhaps with E or W.
        north_or_south: The hemisphere of the latitude, if it is written separately: ``N``, ``South``; empty otherwise.
        east_or_west: The hemisphere of the longitude, if it is written separately; empty otherwise.
    """
    if not latitude.strip() or not longitude.strip():
        return Unplaced(PositionFault.NO_POSITION, "latitude or longitude is empty")
    angles = parse_angle(latitude), parse_angle(longitude)
    if angles[0] is None or angles[1] is None:
        return Unplaced(
            PositionFault.INVALID_POSITION,
            f"{latitude!r}, {longitude!r} are not degrees: write 48.2083 or 48°12'29.9\"N",
        )
    signed = _signed(angles[0], north_or_south, "NS"), _signed(angles[1], east_or_west, "EW")
    if isinstance(signed[0], Unplaced):
        return signed[0]
    if isinstance(signed[1], Unplaced):
        return signed[1]
    return checked_position(signed[0], signed[1])


def position_from_pair(text: str) -> LatLon | Unplaced:
    """Return the position of one text: latitude first, ``48.2083, 16.3725``; or as WKT, ``POINT (16.3725 48.2083)``."""
    text = text.strip()
    if found := _WKT.fullmatch(text):
        return position_from_text(found["y"], found["x"])
    for separator in (";", ", ", ",", None):
        parts = text.split(separator)
        if len(parts) == 2:
            return position_from_text(parts[0], parts[1])
    if not text:
        return Unplaced(PositionFault.NO_POSITION, "its position is empty")
    return Unplaced(PositionFault.INVALID_POSITION, f"{text!r} is not a position: write 48.2083, 16.3725")


def _magnitude(number: str) -> float | None:
    """Return degrees from text without sign and letter."""
    if found := _DECIMAL.fullmatch(number):
        degrees = float(found[1].replace(",", "."))
        return degrees if isfinite(degrees) else None
    for layout in _SEXAGESIMAL:
        if found := layout.fullmatch(number):
            parts = [float(part.replace(",", ".")) for part in found.groups() if part]
            if any(part > 60 for part in parts[1:]):
                return None
            return sum(part / 60.0**order for order, part in enumerate(parts))
    return None


def _signed(angle: Angle, hemisphere: str, letters: str) -> float | Unplaced:
    letter = angle.letter or hemisphere.strip()[:1].upper()
    if letter == letters[1]:
        return -abs(angle.degrees)
    if letter and letter != letters[0]:
        return Unplaced(
            PositionFault.INVALID_POSITION,
            f"it says {letter!r} where {letters[0]} or {letters[1]} is expected{_HINTS.get(letter, '')}",
        )
    if letter and angle.degrees < 0:
        return Unplaced(PositionFault.INVALID_POSITION, f"it is {angle.degrees:.6f}° and yet marked {letter}")
    return angle.degrees
