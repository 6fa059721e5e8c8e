"""How well confidences tell right answers from wrong ones, and whether they mean what they say.

Pure functions over arrays. scikit-learn computes what the field has names for.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from place_map.calibration import LEVELS
from placefix.evaluation.answered import Answers

BINS = 15
"""Of the reliability diagram and the calibration error, with equally many answers each."""

ALL, QUERIES = "all", "queries"
"""All photos, those of elsewhere included; and the others."""

_RISK_POINTS = 200  # of a curve; more would not be seen


@dataclass(frozen=True)
class Bin:
    """Answers of like confidence.

    Attributes:
        answers: How many there are.
        confidence: Their mean.
        right: The share of them that is right.
    """

    answers: int
    confidence: float
    right: float


@dataclass(frozen=True)
class RadiusCoverage:
    """How often a stated radius holds the truth.

    Attributes:
        level: How often it should.
        stated: Answers with such a radius, of photos of the place.
        inside: The share of them whose truth lies within it; None if there are none.
    """

    level: float
    stated: int
    inside: float | None


@dataclass(frozen=True)
class RiskCoverage:
    """The share of wrong answers, if only the surest ones are taken.

    Attributes:
        coverage: ``(t,)`` ascending shares of the answers that are taken; equal confidences are taken together.
        risk: ``(t,)``, the share of wrong ones among them.
    """

    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]


@dataclass(frozen=True)
class Trust:
    """Measure how well confidences fit some answers.

    Attributes:
        answers: How many there are.
        right: The share of right ones.
        auc_pr: Area below precision over recall of "the answer is right", by the confidence; None if none is right.
        auroc: Probability that a right answer has more confidence than a wrong one; None without both.
        ece: Expected calibration error: how far confidence and share of right ones lie apart, on average over ``bins``.
        brier: Mean squared difference of confidence and truth.
        accepted: Share of answers that are called localized.
        wrong_of_accepted: Share of wrong ones among them; None without any.
        right_accepted: Share of the right ones that are called localized; None without a right one.
        foreign_accepted: Likewise of the photos of elsewhere; None without any.
        right_refused: Share of the right ones that are called not found.
        foreign_refused: Likewise of the photos of elsewhere.
        bins: By ascending confidence.
        radii: One for each level.
        risk: Over coverage.
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
        ``ALL``, ``QUERIES`` if there are photos of elsewhere besides, and each condition by its name.
    """
    groups = {ALL: np.ones(len(answers), dtype=bool)}
    if answers.is_foreign.any() and not answers.is_foreign.all():
        groups[QUERIES] = ~answers.is_foreign
    for condition in np.unique(answers.conditions[answers.conditions != ""]).tolist():
        groups[condition] = answers.conditions == condition
    return {name: trust(answers[part]) for name, part in groups.items()}


def trust(answers: Answers) -> Trust:
    """Judge some answers; at least one."""
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
    """Put answers of like confidence together.

    Args:
        confidences: ``(n,)``.
        is_right: ``(n,)``.
        bins: How many, with equally many answers each; fewer answers make fewer.
    """
    order = np.argsort(confidences, kind="stable")
    return tuple(
        Bin(len(members), float(confidences[members].mean()), float(is_right[members].mean()))
        for members in np.array_split(order, min(bins, len(order)))
    )


def expected_calibration_error(bins: tuple[Bin, ...]) -> float:
    """Return how far confidence and share of right answers lie apart, on average over all answers of the bins."""
    return sum(each.answers * abs(each.confidence - each.right) for each in bins) / sum(each.answers for each in bins)


def risk_over_coverage(confidences: NDArray[np.float64], is_right: NDArray[np.bool_]) -> RiskCoverage:
    """Return the share of wrong answers ``(n,)`` as ever less sure ones are taken."""
    order = np.argsort(-confidences, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(confidences[order]) != 0, True))
    taken = ends + 1
    wrong = np.cumsum(~is_right[order])[ends]
    shown = np.unique(np.linspace(0, len(ends) - 1, _RISK_POINTS).round().astype(int))
    return RiskCoverage((taken / len(order))[shown], (wrong / taken)[shown])


def radius_coverage(radii_m: NDArray[np.float64], errors_m: NDArray[np.float64]) -> tuple[RadiusCoverage, ...]:
    """Return for each level how often the radius holds the truth.

    Args:
        radii_m: ``(n, 3)``; NaN where none is stated.
        errors_m: ``(n,)``; infinite for photos of elsewhere, which have no truth to hold.
    """
    found = []
    for level, radii in zip(LEVELS, radii_m.T, strict=True):
        stated = ~np.isnan(radii) & np.isfinite(errors_m)
        found.append(RadiusCoverage(level, int(stated.sum()), _share(errors_m <= radii, stated)))
    return tuple(found)


def _share(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
    return float(of[among].mean()) if among.any() else None
