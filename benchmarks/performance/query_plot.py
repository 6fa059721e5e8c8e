"""A plot of the time of a query: stages in milliseconds, and as shares of the whole."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.performance.markdown import Figures
from placefix.drawings.plots import BLACK, BLUE, GREEN, GREY, ORANGE, PINK, SKY, panels

_PATHS = {"plain": ("plain", GREY, "s"), "as it is served": ("served", BLUE, "o")}
_STAGES = (BLACK, GREEN, ORANGE, PINK, SKY)
_LABELLED_SHARE = 4  # percent; there is no room for the number of a smaller share


def draw_query(figures: Mapping[str, Figures], out: Path) -> None:
    """Draw the stages of the plain path and of the service.

    Args:
        figures: The figures ``query``.
        out: The file, ``.svg`` or ``.png``.

    Raises:
        InvalidInput: matplotlib is not installed, or the file has an unknown suffix.
    """
    found = figures["query"]
    stages = list(found["seconds"]["plain"])
    milliseconds = {
        path: [1000 * seconds for seconds in (*found["seconds"][path].values(), found["total_s"][path])]
        for path in _PATHS
    }
    titles = ("milliseconds of each stage", "shares of the whole")
    with panels(out, titles, panel_inches=(4.6, 3.3)) as (_, (times, shares)):
        rows = range(len(stages) + 1)
        ends = list(zip(*milliseconds.values(), strict=True))
        times.hlines(rows, [min(pair) for pair in ends], [max(pair) for pair in ends], color="#bbbbbb", linewidth=2)
        for path, (name, colour, marker) in _PATHS.items():
            times.scatter(milliseconds[path], rows, color=colour, marker=marker, s=46, zorder=3, label=name)
        for row, (plain, served) in enumerate(ends):
            times.annotate(
                f"{plain / served:.1f} ×",
                ((plain * served) ** 0.5, row),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                fontsize=9,
                color="#444444",
            )
        times.set_xscale("log")
        times.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        times.set_xlim(min(map(min, ends)) / 2, max(map(max, ends)) * 2)
        times.set(yticks=rows, yticklabels=[*stages, "all"], xlabel="ms a query, logarithmic")
        times.set_ylim(len(stages) + 0.5, -0.7)
        times.grid(visible=False, axis="y")
        times.legend(loc="lower left")

        for row, path in enumerate(_PATHS):
            start = 0.0
            for stage, colour, spent in zip(stages, _STAGES, milliseconds[path][:-1], strict=True):
                share = 100 * spent / milliseconds[path][-1]
                shares.barh(
                    row,
                    share,
                    left=start,
                    height=0.55,
                    color=colour,
                    edgecolor="white",
                    linewidth=0.8,
                    label=stage if row == 0 else None,
                )
                if share >= _LABELLED_SHARE:
                    shares.text(start + share / 2, row, f"{share:.0f}", ha="center", va="center", color="black")
                start += share
        totals = [f"{name}\n{milliseconds[path][-1]:,.0f} ms" for path, (name, _, _) in _PATHS.items()]
        shares.set(yticks=range(len(_PATHS)), yticklabels=totals, xlim=(0, 100), xlabel="% of the time of a query")
        shares.set_ylim(1.6, -0.6)
        shares.grid(visible=False, axis="y")
        shares.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -0.18),
            ncols=len(stages),
            fontsize=9,
            handlelength=1,
            columnspacing=1.2,
            handletextpad=0.5,
        )
