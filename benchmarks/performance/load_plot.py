"""A plot of latency over the rate of arrival, with batching and without."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.performance.markdown import Figures
from placefix.drawings.plots import BLUE, GREEN, GREY, ORANGE, panels

_SERIES = {(1, 0.0): (GREY, "s"), (8, 0.0): (BLUE, "o"), (8, 5.0): (GREEN, "D"), (8, 20.0): (ORANGE, "^")}


def draw_load(figures: Mapping[str, Figures], out: Path) -> None:
    """Draw the latencies of a server, one panel for each network.

    Args:
        figures: The figures ``load``.
        out: The file, ``.svg`` or ``.png``.

    Raises:
        InvalidInput: matplotlib is not installed, or the file has an unknown suffix.
    """
    rows = figures["load"]["rows"]
    networks = tuple(dict.fromkeys(row["network"] for row in rows))
    with panels(out, tuple(f"{name} network" for name in networks), panel_inches=(4.6, 3.6)) as (_, panes):
        for network, pane in zip(networks, panes, strict=True):
            for row in rows:
                if row["network"] != network:
                    continue
                delay_ms = row.get("delay_ms", 0)  # a setting of earlier releases
                colour, marker = _SERIES.get((row["batch"], delay_ms), (GREY, "x"))
                rates = [rate["sent_a_second"] for rate in row["rates"]]
                name = "one by one" if row["batch"] == 1 else f"batches of {row['batch']}, delay {delay_ms:g} ms"
                for percent, line in (("p50_ms", "-"), ("p99_ms", ":")):
                    label = name if percent == "p50_ms" else None
                    values = [rate[percent] for rate in row["rates"]]
                    pane.plot(rates, values, line, color=colour, marker=marker, markersize=5, label=label)
            pane.set_xscale("log")
            pane.set_yscale("log")
            pane.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
            pane.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
            pane.set(xlabel="queries sent a second", ylabel="ms to the answer: p50 (line), p99 (dotted)")
        panes[0].legend(loc="upper left", fontsize=9)
