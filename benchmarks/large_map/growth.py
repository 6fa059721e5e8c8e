"""The table of maps of several sizes, with the exponent of growth of each row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_NO_EXPONENT = "–"


def growth_rows(sizes: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows: a figure at every size, and its exponent.

    Args:
        sizes: The figures of each size, ascending.
    """
    places = [int(size["places"]) for size in sizes]
    rows = [
        [
            "segments",
            *(f"{size['segments']:,}" for size in sizes),
            _exponent(places, [size["segments"] for size in sizes]),
        ],
        ["index", *(str(size["index"]) for size in sizes), ""],
    ]
    for of_sizes in zip(*(size["figures"] for size in sizes), strict=True):
        values = [figure["value"] for figure in of_sizes]
        name, unit = of_sizes[0]["name"], of_sizes[0]["unit"]
        scale, shown = (1e-6, "MB") if unit == "B" else (1e3, "ms")
        rows.append([f"{name}, {shown}", *(f"{value * scale:,.2f}" for value in values), _exponent(places, values)])
    return ["", *(f"{count:,} places" for count in places), "exponent"], rows


def _exponent(places: Sequence[int], values: Sequence[float]) -> str:
    """Return the slope of the logarithms: 0 for a figure that stays, 1 for one that grows like the map."""
    if len(places) < 2 or min(values) <= 0:
        return _NO_EXPONENT
    return f"{np.polyfit(np.log(places), np.log(values), 1)[0]:z.2f}"
