"""Measures of confidences: how well they separate right answers from wrong ones, and how well they are calibrated.

The functions are pure functions over arrays. scikit-learn computes the measures that it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from place_map.calibration import LEVELS
from placefix.evaluation.answered import Answers

BINS = 15
"""The number of bins of the reliability diagram and the calibration error, with equally many answers each."""

ALL, QUERIES = "all", "queries"
"""The names of two groups: all photos, and the photos that are not from elsewhere."""

_RISK_POINTS = 200  # points of a curve; more would not be visible


@dataclass(frozen=True)
class Bin:
    """Sum up answers of similar confidence.

    Attributes:
        answers: The number of answers.
        confidence: Their mean confidence.
        right: The share of right answers.
    """

    answers: int
    confidence: float
    right: float


@dataclass(frozen=True)
class RadiusCoverage:
    """Measure how often a stated radius contains the truth.

    Attributes:
        level: The share that should contain it.
        stated: The number of answers with this radius, without photos from elsewhere.
        inside: The share of them whose radius contains the truth; None if there are none.
    """

    level: float
    stated: int
    inside: float | None


@dataclass(frozen=True)
class RiskCoverage:
    """Hold the share of wrong answers among the most confident ones.

    Attributes:
        coverage: Ascending shares of the answers that are taken ``(t,)``; equal confidences are taken together.
        risk: Shares of wrong answers among them ``(t,)``.
    """

    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]


@dataclass(frozen=True)
class Trust:
    """Measure how well confidences fit some answers.

    Attributes:
        answers: The number of answers.
        right: The share of right answers.
        auc_pr: Area below precision over recall of "the answer is right", by the confidence; None if none is right.
        auroc: Probability that a right answer has more confidence than a wrong one; None without both.
        ece: Expected calibration error: mean distance of confidence and share of right answers, over ``bins``.
        brier: Mean squared difference of confidence and truth.
        accepted: Share of answers that are localized.
        wrong_of_accepted: Share of wrong answers among these; None without any.
        right_accepted: Share of right answers that are localized; None without a right one.
        foreign_accepted: Share of photos from elsewhere that are localized; None without any.
        right_refused: Share of right answers that are not found; None without a right one.
        foreign_refused: Share of photos from elsewhere that are not found; None without any.
        bins: The bins, by ascending confidence.
        radii: The coverage of the radius of each level.
        risk: The risk over coverage.
    """

    answers: int
    right: float
    auc_pr: float | None
    auroc: float | None
    ece: float
    brier: float
    accepted: float
    wrong_of_accepted: float | None
    right_accepted: float | None
    foreign_accepted: float | None
    right_refused: float | None
    foreign_refused: float | None
    bins: tuple[Bin, ...]
    radii: tuple[RadiusCoverage, ...]
    risk: RiskCoverage


def trust_by_group(answers: Answers) -> Mapping[str, Trust]:
    """Judge all answers, and each group of them.

    Returns:
        The groups ``ALL``, ``QUERIES`` if some photos are from elsewhere, and each condition by its name.
    """
    groups = {ALL: np.ones(len(answers), dtype=bool)}
    if answers.is_foreign.any() and not answers.is_foreign.all():
        groups[QUERIES] = ~answers.is_foreign
    for condition in np.unique(answers.conditions[answers.conditions != ""]).tolist():
        groups[condition] = answers.conditions == condition
    return {name: trust(answers[part]) for name, part in groups.items()}


def trust(answers: Answers) -> Trust:
    """Judge answers, at least one."""
    from sklearn.metrics import (  # noqa: PLC0415  # takes a second, and other evaluations do not need it
        average_precision_score,
        brier_score_loss,
        roc_auc_score,
    )

    confidences, is_right = answers.confidences, answers.is_right
    is_localized, is_refused = answers.statuses == "localized", answers.statuses == "not_found"
    bins = reliability(confidences, is_right)
    has_right, has_both = bool(is_right.any()), 0 < is_right.sum() < len(is_right)
    return Trust(
        answers=len(answers),
        right=float(is_right.mean()),
        auc_pr=float(average_precision_score(is_right, confidences)) if has_right else None,
        auroc=float(roc_auc_score(is_right, confidences)) if has_both else None,
        ece=expected_calibration_error(bins),
        brier=float(brier_score_loss(is_right, confidences, pos_label=True)),
        accepted=float(is_localized.mean()),
        wrong_of_accepted=_share(~is_right, is_localized),
        right_accepted=_share(is_localized, is_right),
        foreign_accepted=_share(is_localized, answers.is_foreign),
        right_refused=_share(is_refused, is_right),
        foreign_refused=_share(is_refused, answers.is_foreign),
        bins=bins,
        radii=radius_coverage(answers.radii_m, answers.errors_m),
        risk=risk_over_coverage(confidences, is_right),
    )


def reliability(confidences: NDArray[np.float64], is_right: NDArray[np.bool_], bins: int = BINS) -> tuple[Bin, ...]:
    """Put answers of similar confidence together.

    Args:
        confidences: Confidences ``(n,)``.
        is_right: Whether each answer is right ``(n,)``.
        bins: The number of bins, with equally many answers each; fewer answers make fewer bins.
    """
    order = np.argsort(confidences, kind="stable")
    return tuple(
        Bin(len(members), float(confidences[members].mean()), float(is_right[members].mean()))
        for members in np.array_split(order, min(bins, len(order)))
    )


def expected_calibration_error(bins: tuple[Bin, ...]) -> float:
    """Return the mean distance of confidence and share of right answers, over all answers of the bins."""
    return sum(each.answers * abs(each.confidence - each.right) for each in bins) / sum(each.answers for each in bins)


def risk_over_coverage(confidences: NDArray[np.float64], is_right: NDArray[np.bool_]) -> RiskCoverage:
    """Return the share of wrong answers over the share of answers that are taken, the most confident first."""
    order = np.argsort(-confidences, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(confidences[order]) != 0, True))
    taken = ends + 1
    wrong = np.cumsum(~is_right[order])[ends]
    shown = np.unique(np.linspace(0, len(ends) - 1, _RISK_POINTS).round().astype(int))
    return RiskCoverage((taken / len(order))[shown], (wrong / taken)[shown])


def radius_coverage(radii_m: NDArray[np.float64], errors_m: NDArray[np.float64]) -> tuple[RadiusCoverage, ...]:
    """Return for each level how often the radius contains the truth.

    Args:
        radii_m: Radii ``(n, 3)``; NaN where none is stated.
        errors_m: Distances to the truth ``(n,)``; infinite for photos from elsewhere, which do not count.
    """
    found = []
    for level, radii in zip(LEVELS, radii_m.T, strict=True):
        stated = ~np.isnan(radii) & np.isfinite(errors_m)
        found.append(RadiusCoverage(level, int(stated.sum()), _share(errors_m <= radii, stated)))
    return tuple(found)


def _share(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
    return float(of[among].mean()) if among.any() else None
