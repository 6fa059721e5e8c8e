"""The fit of a calibration to questions and their answers, with scikit-learn and scipy.

A logistic model turns the signals of the evidence into a probability; its weights are never negative, so that more
evidence is never worth less. It is fitted to faded answers, too (``fading``). The meaning of a probability is measured
on real answers of the map to which the model was not fitted: the questions are split into folds, all questions of one
picture into the same fold, and each fold is judged by a model of the others.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from place_map.calibration import (
    CERTAINTY,
    LEVELS,
    Auto,
    Bound,
    Calibration,
    Logistic,
    Questions,
    Radius,
    Scale,
    Step,
)
from place_map.evidence import Evidence, Ranking
from place_map.place_table import PlaceTable
from placefix.calibration.fading import faded
from placefix.calibration.questions import Asked, count_kinds
from service.query_options import DEFAULT_MAX_WRONG

STEPS = (0, 5, 10, 20, 50, 100)
"""Numbers of compared candidates after which evidence is judged, as far as the shortlist reaches."""

SEQUENCES = (
    (0.99, 0.985, *(hundredths / 100 for hundredths in range(98, 90, -1))),
    tuple(hundredths / 100 for hundredths in range(90, 8, -2)),
)
"""Thresholds in the order of their tests, fixed before any answer is known.

A sequence ends at the first threshold that fails. It therefore counts as one test, however small its steps are, and the
certainty is shared by two tests (Bonferroni). The second sequence is for maps with few answers of a confidence of 0.99.
"""

ELSEWHERE = 1 / 2
"""The share of questions about places that the map does not have with which a threshold still keeps its promise: users
ask other questions than a calibration, in which about a third is of this kind.
"""

_FOLDS = 5
_MOST_BINS = 12
_LEAST_IN_BIN = 60
_SURE = (
    0.98,
    0.985,
    0.99,
    0.995,
    0.998,
)  # confidences at which auto may stop; the lowest that loses few answers is taken
_LEAST_END = 50  # candidates that auto compares at least; own pictures say little about queries that need more
_RIGHT_DENIED, _WRONG_DENIED = 0.01, 0.25  # shares of the answers, at most
_MOST_LOST = 0.001  # share of answers that auto may lose against comparing all


@dataclass(frozen=True)
class _Judged:
    """Hold all questions after a number of candidates was compared.

    Attributes:
        compared: The number of compared candidates.
        logistic: The model that is fitted to all questions.
        confidences: Confidences ``(n,)``, each by a model of the other folds.
        errors_m: Metres from the answer to the truth ``(n,)``; infinite where no answer is right.
    """

    compared: int
    logistic: Logistic
    confidences: NDArray[np.float64]
    errors_m: NDArray[np.float64]


def fit(asked: Sequence[Asked], places: PlaceTable, within_m: float, map_version: str) -> Calibration:
    """Fit a calibration.

    Args:
        asked: Enough questions (``questions.why_too_few``).
        places: The table of the map.
        within_m: The positive distance.
        map_version: The version that is calibrated.
    """
    most = max(len(each.answer.scores) for each in asked)
    kinds = count_kinds(asked)
    others = [each for own in asked if own.kind == "of_map" for each in faded(own, within_m)]
    questions, real = (*asked, *others), len(asked)
    judged = [_judge(questions, places, within_m, step) for step in sorted({min(step, most) for step in STEPS})]
    return Calibration(
        map_version=map_version,
        within_m=within_m,
        questions=Questions(
            of_map=kinds["of_map"],
            impossible=kinds["impossible"],
            queries=kinds["query"],
            foreign=kinds["foreign"],
            conditions=dict(Counter(each.condition for each in asked if each.condition and each.kind == "query")),
        ),
        steps=tuple(
            Step(
                compared=each.compared,
                logistic=each.logistic,
                scale=_scale(each.confidences, each.errors_m, real, within_m),
            )
            for each in judged
        ),
        auto=_auto(judged, real, within_m) if most else None,
    )


def _judge(questions: Sequence[Asked], places: PlaceTable, within_m: float, compared: int) -> _Judged:
    signals, errors_m = [], []
    for each in questions:
        rows, scores = each.answer.rows, each.answer.scores[:compared]
        ranking = Ranking.of(rows, each.answer.distances, scores)
        signals.append(Evidence.of(ranking, places, within_m).signals)
        errors_m.append(each.errors_m[rows == ranking.rows[0]][0])
    values, errors = np.array(signals), np.array(errors_m)
    is_right, confidences = errors <= within_m, np.empty(len(values))
    groups = np.unique([each.name for each in questions], return_inverse=True)[1]
    for rest, fold in GroupKFold(_FOLDS, shuffle=True, random_state=0).split(values, groups=groups):
        confidences[fold] = _probabilities(_logistic(values[rest], is_right[rest]), values[fold])
    return _Judged(compared, _logistic(values, is_right), confidences, errors)


def _logistic(signals: NDArray[np.float64], is_right: NDArray[np.bool_]) -> Logistic:
    means, scales = signals.mean(axis=0), signals.std(axis=0)
    scales[scales == 0] = 1  # a constant signal, such as the scores where no candidate is compared
    values, weights = (signals - means) / scales, np.zeros(len(means))
    taken = np.ones(len(means), dtype=bool)
    while True:
        fitted = LogisticRegression(max_iter=1000).fit(values[:, taken], is_right)
        weights[taken] = fitted.coef_[0]
        if weights.min() >= 0 or taken.sum() == 1:
            break
        taken[weights.argmin()] = False  # the signal that contradicts the others most is useless on this map
        weights[:] = 0
    return Logistic(
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        weights=tuple(np.maximum(weights, 0).tolist()),
        intercept=float(fitted.intercept_[0]),
    )


def _probabilities(logistic: Logistic, signals: NDArray[np.float64]) -> NDArray[np.float64]:
    logits = (signals - logistic.means) / logistic.scales @ np.array(logistic.weights) + logistic.intercept
    return np.asarray(1 / (1 + np.exp(-logits)))


def _scale(confidences: NDArray[np.float64], errors_m: NDArray[np.float64], real: int, within_m: float) -> Scale:
    """Measure the meaning of confidences on the first ``real`` answers; the other answers are faded."""
    is_right = errors_m <= within_m
    own, is_own_right = confidences[:real], is_right[:real]
    return Scale(
        bounds=bounds_of(own, is_own_right, np.isfinite(errors_m[:real])),
        radii=_radii(own, errors_m[:real]),
        elsewhere_below=elsewhere_below(confidences[is_right], own[~is_own_right]),
    )


def bounds_of(
    confidences: NDArray[np.float64], is_right: NDArray[np.bool_], has_place: NDArray[np.bool_]
) -> tuple[Bound, ...]:
    """Bound the share of wrong answers among those that reach a threshold, for all ``SEQUENCES``.

    A bound is Clopper and Pearson's, or a higher one of an earlier threshold in the sequence. A threshold
    therefore keeps a promise only if all thresholds before it keep it. It also keeps the promise if ``ELSEWHERE`` of
    the questions are about other places: no bound is below the share of wrong answers that is then expected.

    Args:
        confidences: Confidences ``(n,)``.
        is_right: Whether each answer is right ``(n,)``.
        has_place: Whether the map has the place of each question ``(n,)``.

    Returns:
        The bounds by ascending threshold.
    """
    error, bounds = (1 - CERTAINTY) / len(SEQUENCES), []
    for sequence in SEQUENCES:
        at_most = 0.0
        for threshold in sequence:
            accepted = confidences >= threshold
            count, wrong = int(accepted.sum()), int((accepted & ~is_right).sum())
            alone = 1.0 if wrong == count else float(beta.ppf(1 - error, wrong + 1, count - wrong))
            at_most = max(at_most, alone)
            least = max(at_most, _wrong_with_more_elsewhere(accepted, is_right, has_place))
            bounds.append(Bound(confidence=threshold, accepted=count, wrong=wrong, wrong_at_most=least))
    return tuple(sorted(bounds, key=lambda bound: bound.confidence))


def _wrong_with_more_elsewhere(
    accepted: NDArray[np.bool_], is_right: NDArray[np.bool_], has_place: NDArray[np.bool_]
) -> float:
    """Return the share of wrong answers among the accepted, if ``ELSEWHERE`` of the questions ask for other places."""
    if has_place.all() or not accepted.any():
        return 0.0
    weights = np.where(has_place, (1 - ELSEWHERE) / max(has_place.sum(), 1), ELSEWHERE / (~has_place).sum())
    return float(weights[accepted & ~is_right].sum() / weights[accepted].sum())


def _radii(confidences: NDArray[np.float64], errors_m: NDArray[np.float64]) -> tuple[Radius, ...]:
    """Return quantiles of the error among answers of similar confidence, by split conformal prediction."""
    order = np.argsort(confidences, kind="stable")
    bins = max(1, min(_MOST_BINS, len(order) // _LEAST_IN_BIN))
    radii = []
    for number, members in enumerate(np.array_split(order, bins)):
        errors = np.sort(errors_m[members])
        ranks = [ceil((len(errors) + 1) * level) for level in LEVELS]
        found = [float(errors[rank - 1]) if rank <= len(errors) else np.inf for rank in ranks]
        median, most, nearly_all = (value if np.isfinite(value) else None for value in found)
        least = 0.0 if number == 0 else float(confidences[members[0]])
        radii.append(Radius(confidence=least, answers=len(errors), radii_m=(median, most, nearly_all)))
    return tuple(radii)


def elsewhere_below(right: NDArray[np.float64], wrong: NDArray[np.float64]) -> float:
    """Return the confidence below which an answer is denied; hardly any right answer is below it.

    Args:
        right: Confidences of right answers, with faded ones ``(n,)``; at most one in a hundred is denied.
        wrong: Confidences of wrong answers ``(m,)``; at most a quarter is denied. Right answers under conditions that
            were not asked have lower confidences than known ones, but hardly ever as low as this quarter.
    """
    return float(min(np.quantile(right, _RIGHT_DENIED), np.quantile(wrong, _WRONG_DENIED)))


def _auto(judged: Sequence[_Judged], real: int, within_m: float) -> Auto:
    """Find the end of auto, and the lowest confidence at which it may stop before.

    Auto may lose hardly any answer against comparing all candidates, faded answers included; and an answer at which it
    stops is sure enough to be localized. If none of ``_SURE`` is enough, the highest is taken.
    """
    all_right = judged[-1].errors_m <= within_m
    judged = judged[: 1 + _end(judged, within_m)]
    every = np.arange(len(all_right))
    for sure_from in _SURE:
        stops = np.full(len(all_right), len(judged) - 1)
        for number in reversed(range(len(judged) - 1)):
            stops[judged[number].confidences >= sure_from] = number
        confidences = np.stack([each.confidences for each in judged])[stops, every]
        errors_m = np.stack([each.errors_m for each in judged])[stops, every]
        scale = _scale(confidences, errors_m, real, within_m)
        lost = all_right.mean() - (errors_m <= within_m).mean()
        threshold = scale.threshold(DEFAULT_MAX_WRONG)
        if lost <= _MOST_LOST and threshold is not None and threshold <= sure_from:
            break
    return Auto(sure_from=sure_from, scale=scale, ends_at=judged[-1].compared)


def _end(judged: Sequence[_Judged], within_m: float) -> int:
    """Return the first step from ``_LEAST_END`` on behind which hardly any answer gets better; else the last one."""
    right = [float((each.errors_m <= within_m).mean()) for each in judged]
    return next(
        (
            number
            for number, each in enumerate(judged)
            if each.compared >= _LEAST_END and right[number] >= right[-1] - _MOST_LOST
        ),
        len(judged) - 1,
    )
