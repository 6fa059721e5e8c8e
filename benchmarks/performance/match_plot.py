"""A plot of the time of each way of counting mutual matches, and of its operations at the processor's peak."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.performance.markdown import Figures
from placefix.drawings.plots import BLUE, GREY, ORANGE, panels


def draw_match(figures: Mapping[str, Figures], out: Path) -> None:
    """Draw the time of each way of counting, with the floor of its operations if it is known.

    Args:
        figures: The figures ``match``.
        out: The file, ``.svg`` or ``.png``.

    Raises:
        InvalidInput: matplotlib is not installed, or the file has an unknown suffix.
    """
    found = figures["match"]
    ways = found["ways"]
    rows = range(len(ways))
    times = [1000 * way["seconds"] for way in ways.values()]
    floors = {
        row: 1000 * way["operations_floor_s"]
        for row, way in zip(rows, ways.values(), strict=True)
        if way.get("operations_floor_s") is not None
    }
    title = f"mutual matches of a query with {found['candidates']} candidates"
    with panels(out, (title,), panel_inches=(7.2, 2.9)) as (figure, (panel,)):
        colours = [GREY if row == 0 else BLUE for row in rows]
        panel.barh(rows, times, height=0.6, color=colours)
        for row, (time_ms, way) in enumerate(zip(times, ways.values(), strict=True)):
            gain = "" if row == 0 else f", {way['ratio']:.1f} × as fast"
            above = f", {time_ms / floors[row]:.1f} × its floor" if row in floors else ""
            panel.annotate(
                f"{time_ms:,.0f} ms{gain}{above}",
                (time_ms, row),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        if floors:
            panel.scatter(
                list(floors.values()),
                list(floors),
                marker="|",
                s=260,
                linewidth=2.5,
                color=ORANGE,
                zorder=3,
                label="floor: its operations over the peak of these products, in the same run",
            )
            figure.legend(loc="outside lower center")
        panel.set(yticks=rows, yticklabels=list(ways), xlabel="ms a query", xlim=(0, 1.42 * max(times)))
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        panel.invert_yaxis()
        panel.grid(visible=False, axis="y")
