"""A plot of the recall that each store of local features loses."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.performance.markdown import Figures
from placefix.drawings.plots import COLOURS, panels

_SAYS = {
    "store": "demo town",
    "store_gardenspoint_day": "Gardens Point, day",
    "store_gardenspoint_night": "Gardens Point, night",
    "store_penn": "Penn",
}
_NONE = {"value": 0.0, "low": 0.0, "high": 0.0}
_MARKERS = "osD^"
_APART = 0.14  # distance between the sets of queries of a store, so that intervals do not overlap


def draw_store(figures: Mapping[str, Figures], out: Path) -> None:
    """Draw points of recall@1 against float32 for each store, with intervals.

    Args:
        figures: The figures, some of ``store``, ``store_gardenspoint_day``, ``store_gardenspoint_night`` and
            ``store_penn``.
        out: The file, ``.svg`` or ``.png``.

    Raises:
        InvalidInput: matplotlib is not installed, or the file has an unknown suffix.
    """
    with panels(out, ("recall with fewer bits",), panel_inches=(7.2, 3.9)) as (_, (panel,)):
        panel.axhline(0, color="#555555", linewidth=1)
        stores: list[str] = []
        for number, (name, found) in enumerate(figures.items()):
            counted = found["rows"][-1]["way"]["precision"]  # the first row may be counted in another precision
            rows = [row for row in found["rows"] if row["way"]["precision"] == counted]
            differences = [
                _NONE if row["way"]["store"] == "float32" else row["difference"]["R@1"]  # compared with itself
                for row in rows
            ]
            values = [each["value"] for each in differences]
            stores = [row["way"]["store"] for row in rows]  # the same in all sets
            aside = _APART * (number - (len(figures) - 1) / 2)
            panel.errorbar(
                [position + aside for position in range(len(rows))],
                values,
                yerr=[
                    [each["value"] - each["low"] for each in differences],
                    [each["high"] - each["value"] for each in differences],
                ],
                color=COLOURS[number],
                marker=_MARKERS[number],
                linestyle="none",
                capsize=3,
                markersize=6.5,
                linewidth=1.6,
                label=f"{_SAYS[name]} ({found['conditions']['asked']:,} queries)",
            )
        panel.locator_params(axis="y", integer=True)
        panel.minorticks_off()
        panel.set_xticks(range(len(stores)), stores)
        panel.set(xlabel="store of local features", ylabel="ΔR@1 against float32, points")
        panel.legend(loc="lower left")
