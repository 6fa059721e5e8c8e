"""Draw what confidences mean, and what is wrong if only the surest answers are taken."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.performance.markdown import Figures
from placefix.drawings.plots import panels
from placefix.evaluation.confidence import ALL, Bin, RadiusCoverage, RiskCoverage, Trust
from placefix.evaluation.confidence_plots import draw_reliability, draw_risk

_CALIBRATION = 0  # the first one of each map: with the map alone, re-ranked always


def draw_confidences(figures: Mapping[str, Figures], out: Path) -> None:
    """Write the reliability and the risk of all maps as a picture, photos of elsewhere included.

    Args:
        figures: ``confidence``.
        out: ``.svg`` or ``.png``.

    Raises:
        InvalidInput: matplotlib is not installed, or the file has an unknown suffix.
    """
    pooled = {name: found["calibrations"][_CALIBRATION] for name, found in figures["confidence"]["sets"].items()}
    trusts = {name: _trust(row["pooled"][ALL]) for name, row in pooled.items() if "pooled" in row}
    titles = ("what a confidence means", "wrong answers, if only the surest are taken")
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
