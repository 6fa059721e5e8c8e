"""What a store of local features takes on the disk, against the recall that it gives up."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.performance.markdown import Figures
from benchmarks.plots import COLOURS, panels

_SAYS = {
    "store": "demo town",
    "store_gardenspoint_day": "Gardens Point, day",
    "store_gardenspoint_night": "Gardens Point, night",
}
_NONE = {"value": 0.0, "low": 0.0, "high": 0.0}
_MARKERS = "osD"
_APART = 1.09  # factor between the sets of queries of a store, so that intervals do not hide each other


def draw_store(figures: Mapping[str, Figures], out: Path) -> None:
    """Writes points of recall@1 against float32 over bytes a picture, with intervals, as a picture.

    Args:
        figures: Some of ``store``, ``store_gardenspoint_day`` and ``store_gardenspoint_night``.
        out: ``.svg`` or ``.png``.

    Raises:
        InvalidInput: matplotlib is not installed, or the file has an unknown suffix.
    """
    with panels(out, ("what fewer bytes a picture cost in recall",), panel_inches=(7.2, 3.9)) as (_, (panel,)):
        panel.axhline(0, color="#555555", linewidth=1)
        stores: dict[int, str] = {}
        for number, (name, found) in enumerate(figures.items()):
            counted = found["rows"][-1]["way"]["precision"]  # the first row may be counted otherwise
            rows = [row for row in found["rows"] if row["way"]["precision"] == counted]
            differences = [
                _NONE if row["way"]["store"] == "float32" else row["difference"]["R@1"]  # is compared with itself
                for row in rows
            ]
            values = [each["value"] for each in differences]
            panel.errorbar(
                [row["bytes_per_picture"] * _APART ** (number - (len(figures) - 1) / 2) for row in rows],
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
            stores |= {row["bytes_per_picture"]: row["way"]["store"] for row in rows}
        panel.set_xscale("log")
        panel.locator_params(axis="y", integer=True)
        panel.minorticks_off()
        panel.set_xticks(list(stores), [f"{store}\n{size / 1000:,.0f} kB" for size, store in stores.items()])
        panel.set(xlabel="local features of a picture on the disk", ylabel="ΔR@1 against float32, points")
        panel.legend(loc="lower right")
