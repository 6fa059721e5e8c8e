"""Two plots of the systems: R@1 over the milliseconds of a query, and over the bytes of a picture."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.systems.tables import encode_ms, match_ms, picture_bytes
from placefix.drawings.plots import COLOURS, panels

_MARKERS = "osD^vPX*<>"
_ROOM = 3  # factor on both sides of the logarithmic axes

Measure = Callable[[Mapping[str, Any]], float]
_PANELS: Mapping[str, tuple[str, Measure]] = {
    "recall over time": ("ms to encode and match a query", lambda row: encode_ms(row) + match_ms(row)),
    "recall over space": ("bytes of a picture in the map", picture_bytes),
}


def draw_systems(rows: Sequence[Mapping[str, Any]], out: Path) -> None:
    """Draw R@1 of the systems that have trained weights, with intervals of 95 %.

    Args:
        rows: The figures of ``benchmarks.systems.measure``, with at least one recall.
        out: The file, ``.svg`` or ``.png``.

    Raises:
        InvalidInput: matplotlib is not installed, or the file has an unknown suffix.
    """
    trained = [row for row in rows if row["recall"] is not None]
    with panels(out, tuple(_PANELS), panel_inches=(4.2, 3.6)) as (figure, axes):
        for panel, (label, measure) in zip(axes, _PANELS.values(), strict=True):
            for number, row in enumerate(trained):
                recall = row["recall"]["after"]["R@1"]
                panel.errorbar(
                    measure(row),
                    recall["value"],
                    yerr=([recall["value"] - recall["low"]], [recall["high"] - recall["value"]]),
                    color=COLOURS[number % len(COLOURS)],
                    marker=_MARKERS[number % len(_MARKERS)],
                    capsize=3,
                    linestyle="none",
                    label=row["title"],
                )
            values = [measure(row) for row in trained]
            panel.set_xscale("log")
            panel.set(xlim=(min(values) / _ROOM, max(values) * _ROOM), ylim=(-2, 102), xlabel=label)
        axes[0].set_ylabel("R@1, %")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(2, len(trained)))
