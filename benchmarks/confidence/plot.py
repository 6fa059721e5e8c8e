"""The curves of precision over recall, day and night side by side."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from benchmarks.confidence.report import Group
from benchmarks.plots import COLOURS, LINES, panels


def draw(found: Mapping[str, Group], out: Path) -> None:
    """Writes the curves of all groups as a picture.

    Raises:
        InvalidInput: matplotlib is not installed, or the file has an unknown suffix.
    """
    curves = [each.curve for group in found.values() for each in group.judged if each.curve is not None]
    lowest = lowest_percent(float(curve.precision.min()) for curve in curves)
    titles = tuple(f"{name} ({group.queries:,} queries)" for name, group in found.items())
    with panels(out, titles, panel_inches=(3.6, 3.9)) as (figure, axes):
        for panel, group in zip(axes, found.values(), strict=True):
            for number, each in enumerate(group.judged):
                if each.curve is None:
                    continue
                kind = "re-ranked" if each.signal.is_of_reranked else "by distance"
                panel.step(
                    100 * np.insert(each.curve.recall, 0, 0),
                    100 * np.insert(each.curve.precision, 0, each.curve.precision[0]),
                    where="pre",  # a point holds for the recall that it adds, as in the area
                    color=COLOURS[number],
                    linestyle=LINES[number],
                    linewidth=1.6,
                    label=f"{kind}: {each.signal.says}",
                )
            panel.set(xlim=(0, 101), ylim=(lowest, 100 + (100 - lowest) / 50), xlabel="recall: right answers given, %")
        axes[0].set_ylabel("precision: given answers right, %")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)


def lowest_percent(precisions: Iterable[float]) -> float:
    """Where the panels begin, so that good curves can be told apart: a multiple of ten below all, and at most 90.

    Args:
        precisions: The least of each curve, 0 … 1; without any, the panels begin at 0.
    """
    return min(10.0 * math.floor(10 * min(precisions, default=0.0)), 90.0)
