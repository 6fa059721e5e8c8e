"""Lengths, shares, counts and positions for people."""

import re

from index_builder.description.extent import BoundingBox

UNKNOWN_LICENCE = "not known"
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def written(created_at: str) -> str:
    """Return an instant of a manifest in UTC, to the minute."""
    day, _, time = created_at.partition("T")
    return f"{day} {time[:5]} UTC"


def corners(box: BoundingBox) -> str:
    """Return a box for people: ``55.70000° to 55.70500° N, 13.20000° to 13.21000° E``."""
    south, north = _degrees(box.south, "NS"), _degrees(box.north, "NS")
    west, east = _degrees(box.west, "EW"), _degrees(box.east, "EW")
    return f"{_span(south, north)}, {_span(west, east)}"


def length(metres: float) -> str:
    """Return a length for people: ``540 m``, ``1.24 km``, ``38 km``."""
    if metres < 10:
        return f"{metres:.1f} m"
    if metres < 1000:
        return f"{metres:,.0f} m"
    return f"{metres / 1000:.3g} km" if metres < 100_000 else f"{metres / 1000:,.0f} km"


def area(square_km: float) -> str:
    """Return an area for people: ``0.05 km²``, ``12.3 km²``, ``1,430 km²``."""
    if square_km < 1:
        return f"{square_km:.2g} km²"
    return f"{square_km:.3g} km²" if square_km < 1000 else f"{square_km:,.0f} km²"


def share(part: int, whole: int) -> str:
    """Return a share for people: ``all 198``, ``none of 198``, ``120 of 198 (60.6 %)``."""
    if part == whole:
        return f"all {whole:,}"
    return f"none of {whole:,}" if part == 0 else f"{part:,} of {whole:,} ({100 * part / whole:.1f} %)"


def count(number: int, noun: str) -> str:
    """Return a count with its noun: ``1 segment``, ``3 segments``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def xml_text(text: str) -> str:
    """Return text that XML can hold; other characters become a replacement mark."""
    return _NOT_IN_XML.sub("\ufffd", text)


def _degrees(angle_deg: float, signs: str) -> tuple[str, str]:
    return f"{abs(angle_deg):.5f}°", signs[0] if angle_deg >= 0 else signs[1]


def _span(low: tuple[str, str], high: tuple[str, str]) -> str:
    """Return a range with one letter for both ends if it is the same."""
    if low == high:
        return " ".join(low)
    return f"{low[0]} to {high[0]} {high[1]}" if low[1] == high[1] else f"{' '.join(low)} to {' '.join(high)}"
