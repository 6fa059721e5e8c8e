"""A plot of the nearest pictures that an index misses, against the time of a query."""

import re
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.performance.markdown import Figures
from placefix.drawings.plots import COLOURS, panels

_SYNTHETIC = "synthetic places"
_THREADS = "1"
_MARKERS = "osD^vPX*<>"
_TICKS_MS = tuple(digit * 10.0**power for power in range(-3, 5) for digit in (1, 2, 5))


def draw_shortlist(figures: Mapping[str, Figures], out: Path) -> None:
    """Draw the missed share over milliseconds, with a panel for each number of places.

    Args:
        figures: The figures ``shortlist``, ``shortlist-large`` or both; only synthetic places are drawn.
        out: The file, ``.svg`` or ``.png``.

    Raises:
        InvalidInput: matplotlib is not installed, or the file has an unknown suffix.
    """
    sets = [each for found in figures.values() for each in found["sets"] if each["places"].endswith(_SYNTHETIC)]
    titles = tuple(f"{places['pictures']:,} places" for places in sets)
    families = list(dict.fromkeys(_family(index) for places in sets for index in places["indexes"]))
    looks: dict[str, dict[str, Any]] = {
        family: {"marker": marker, "edgecolors": colour, "facecolors": "none", "s": 60, "linewidths": 1.8}
        for family, marker, colour in zip(families, cycle(_MARKERS), cycle(COLOURS), strict=False)
    }
    ring: dict[str, Any] = {
        "s": 260,
        "facecolors": "none",
        "edgecolors": "#555555",
        "linewidths": 1.0,
        "linestyle": "--",
    }
    most = max(100 * (1 - index["recall"]) for places in sets for index in places["indexes"])
    with panels(out, titles, panel_inches=(3.4, 3.9)) as (figure, axes):
        for panel, places in zip(axes, sets, strict=True):
            for index in places["indexes"]:
                point = index["milliseconds"][_THREADS], 100 * (1 - index["recall"])
                panel.scatter(*point, **looks[_family(index)], zorder=3)
                if index["factory"] == places["auto"]:
                    panel.scatter(*point, **ring)
            panel.set_yscale("symlog", linthresh=0.01, linscale=0.4)
            panel.set(ylim=(max(10, 1.5 * most), -0.006), xlabel="ms a query, 1 thread")
            panel.set_yticks([0, 0.01, 0.1, 1, 10], ["0", "0.01", "0.1", "1", "10"])
            panel.set_xscale("log")
            times = [index["milliseconds"][_THREADS] for index in places["indexes"]]
            first, last = min(times) / 1.25, max(times) * 1.25
            panel.set_xticks(
                ticks := [tick for tick in _TICKS_MS if first <= tick <= last], [f"{tick:g}" for tick in ticks]
            )
            panel.set_xlim(first, last)
            panel.minorticks_off()
        axes[0].set_ylabel("missed of the 100 nearest")
        handles = [axes[0].scatter([], [], **look, label=family) for family, look in looks.items()]
        handles.append(axes[0].scatter([], [], **ring, label="picked by auto"))
        figure.legend(handles=handles, loc="outside lower center", ncols=5)


def _family(index: Figures) -> str:
    """Return the name of an index without the number of its lists, which grows with the places."""
    return re.sub(r"^IVF\d+", "IVF…", index["factory"])
