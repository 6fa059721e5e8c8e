"""A plot of the meaning of confidences, and of the errors among the surest answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.performance.markdown import Figures
from placefix.drawings.plots import panels
from placefix.evaluation.confidence import ALL, Bin, RadiusCoverage, RiskCoverage, Trust
from placefix.evaluation.confidence_plots import draw_reliability, draw_risk

_CALIBRATION = 0  # the first calibration of each map: with the map alone, always re-ranked


def draw_confidences(figures: Mapping[str, Figures], out: Path) -> None:
    """Draw the reliability and the risk of all maps, including photos of other places.

    Args:
        figures: The figures ``confidence``.
        out: The file, ``.svg`` or ``.png``.

    Raises:
        InvalidInput: matplotlib is not installed, or the file has an unknown suffix.
    """
    pooled = {name: found["calibrations"][_CALIBRATION] for name, found in figures["confidence"]["sets"].items()}
    trusts = {name: _trust(row["pooled"][ALL]) for name, row in pooled.items() if "pooled" in row}
    titles = ("the meaning of a confidence", "wrong answers, if only the surest are taken")
    with panels(out, titles, panel_inches=(4.8, 6.0)) as (_, (reliability, risk)):
        draw_reliability(reliability, trusts)
        draw_risk(risk, trusts)


def _trust(pooled: dict[str, Any]) -> Trust:
    return Trust(
        **{
            **pooled,
            "bins": tuple(Bin(**each) for each in pooled["bins"]),
            "radii": tuple(RadiusCoverage(**each) for each in pooled["radii"]),
            "risk": RiskCoverage(*(np.array(pooled["risk"][name]) for name in ("coverage", "risk"))),
        }
    )
