"""The plots of a confidence: its reliability, and the risk over the share of accepted answers."""

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from placefix.drawings.plots import BLUE, COLOURS, GREY, LINES, panels
from placefix.evaluation.confidence import Trust

RELIABILITY, RISK = "reliability.svg", "risk_coverage.svg"

_RELIABILITY_INCHES, _RISK_INCHES = (4.6, 5.4), (4.6, 6.2)  # the second has a line for each group
_LINES = ("-", *LINES)
_MOST_LINES_BELOW = 4  # below each other


def draw_confidence(groups: Mapping[str, Trust], folder: Path) -> tuple[Path, ...]:
    """Draw the plots of some groups of answers; the same numbers give the same bytes.

    Args:
        groups: Name → measures; the first group is all answers.
        folder: The folder for the files; it is made if it does not exist.

    Returns:
        The files.

    Raises:
        InvalidInput: matplotlib is not installed.
        StorageError: A file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reliability, risk = folder / RELIABILITY, folder / RISK
    name, trust = next(iter(groups.items()))
    with panels(reliability, ("Reliability of the confidence",), panel_inches=_RELIABILITY_INCHES) as (_, [panel]):
        draw_reliability(panel, {f"{name} ({trust.answers:,})": trust})
    with panels(risk, ("Wrong answers, if only the surest are taken",), panel_inches=_RISK_INCHES) as (_, [panel]):
        draw_risk(panel, {f"{name} ({trust.answers:,})": trust for name, trust in groups.items()})
    return reliability, risk


def draw_reliability(panel: Any, groups: Mapping[str, Trust]) -> None:
    """Draw the share of right answers over their confidence, with the line on which both are equal.

    Args:
        panel: The axes of matplotlib.
        groups: Label → measures, one line for each.
    """
    panel.plot([0, 100], [0, 100], color=GREY, linewidth=1, linestyle=(0, (4, 3)), label="as it should be")
    for (label, trust), colour in zip(groups.items(), cycle(COLOURS), strict=False):
        confidence = 100 * np.array([each.confidence for each in trust.bins])
        right = 100 * np.array([each.right for each in trust.bins])
        if colour == BLUE:
            panel.vlines(confidence, confidence, right, color=colour, alpha=0.35, linewidth=3)
        panel.plot(
            confidence, right, color=colour, marker="o", markersize=4.5, linewidth=1.4,
            label=f"{label}, ECE {trust.ece:.3f}",
        )  # fmt: skip
    panel.set(xlim=(-2, 102), ylim=(-2, 102), xlabel="confidence, %", ylabel="right answers, %")
    _put_legend_below(panel)


def draw_risk(panel: Any, groups: Mapping[str, Trust]) -> None:
    """Draw the share of wrong answers over the share of answers that are taken, the most confident first.

    Args:
        panel: The axes of matplotlib.
        groups: Label → measures, one line for each; the best possible line is drawn for the first.
    """
    right = next(iter(groups.values())).right
    taken = np.linspace(0.001, 1, 200)
    best = np.maximum(0, 1 - right / taken)  # every right answer before the first wrong one
    panel.plot(100 * taken, 100 * best, color=GREY, linewidth=1, linestyle=(0, (4, 3)), label="best there could be")
    for (label, trust), colour, line in zip(groups.items(), cycle(COLOURS), cycle(_LINES), strict=False):
        panel.plot(
            100 * trust.risk.coverage, 100 * trust.risk.risk, color=colour, linestyle=line, linewidth=1.6, label=label
        )
    panel.set(xlim=(0, 101), xlabel="answers that are taken, %", ylabel="wrong among them, %")
    panel.set_ylim(bottom=0)
    _put_legend_below(panel)


def _put_legend_below(panel: Any) -> None:
    """Make the panel square, and put the legend below it, off the lines."""
    panel.set_box_aspect(1)
    columns = 1 if len(panel.get_lines()) <= _MOST_LINES_BELOW else 2
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=columns, fontsize=9, handlelength=2.6)
