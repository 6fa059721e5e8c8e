"""Numbers of confidences, against plain references."""

import itertools

import numpy as np
import pytest

from placefix.evaluation.answered import Answered, Answers
from placefix.evaluation.confidence import (
    ALL,
    QUERIES,
    expected_calibration_error,
    radius_coverage,
    reliability,
    risk_over_coverage,
    trust,
    trust_by_group,
)
from service.words import Status

WITHIN_M = 25.0


def answered(
    confidence: float,
    error_m: float,
    *,
    status: Status = "uncertain",
    radii_m: tuple[float | None, ...] = (None, None, None),
    condition: str | None = None,
) -> Answered:
    return Answered(confidence, status, error_m, radii_m, condition)


def some(count: int, seed: int = 0) -> Answers:
    """Return this many answers, which are right as often as their confidence says."""
    random = np.random.default_rng(seed)
    confidences = random.random(count)
    errors_m = np.where(random.random(count) < confidences, 5.0, 80.0)
    return Answers.of(
        [
            answered(float(c), float(e), status="localized" if c > 0.8 else "uncertain")
            for c, e in zip(confidences, errors_m, strict=True)
        ],
        WITHIN_M,
    )


def test_auroc_is_how_often_a_right_answer_has_more_confidence_than_a_wrong_one() -> None:
    answers = some(60)
    right, wrong = answers.confidences[answers.is_right], answers.confidences[~answers.is_right]
    pairs = [float(one > other) + 0.5 * (one == other) for one, other in itertools.product(right, wrong)]
    assert trust(answers).auroc == pytest.approx(np.mean(pairs))


def test_auc_pr_is_the_mean_precision_at_each_right_answer() -> None:
    answers = some(60)
    order = np.argsort(-answers.confidences)
    is_right = answers.is_right[order]
    precisions = [is_right[: rank + 1].mean() for rank in range(len(order)) if is_right[rank]]
    assert trust(answers).auc_pr == pytest.approx(np.mean(precisions))


def test_the_calibration_error_is_the_gap_of_each_bin_weighed_by_its_answers() -> None:
    confidences = np.array([0.1, 0.2, 0.6, 0.8, 0.9])
    is_right = np.array([False, True, True, False, True])
    bins = reliability(confidences, is_right, bins=2)
    assert [each.answers for each in bins] == [3, 2]
    assert [each.confidence for each in bins] == pytest.approx([0.3, 0.85])
    assert [each.right for each in bins] == pytest.approx([2 / 3, 0.5])
    assert expected_calibration_error(bins) == pytest.approx((3 * (2 / 3 - 0.3) + 2 * 0.35) / 5)


def test_confidences_that_mean_what_they_say_have_hardly_an_error() -> None:
    calibrated = some(6000)
    assert trust(calibrated).ece < 0.03
    sure = Answers.of([answered(0.99, 5.0 if number % 2 else 80.0) for number in range(200)], WITHIN_M)
    assert trust(sure).ece == pytest.approx(0.49, abs=0.02)


def test_fewer_answers_than_bins_make_fewer_bins() -> None:
    assert len(reliability(np.array([0.2, 0.7]), np.array([True, False]))) == 2


def test_equal_confidences_are_taken_together() -> None:
    found = risk_over_coverage(np.array([0.9, 0.9, 0.5, 0.1]), np.array([True, False, True, False]))
    assert found.coverage.tolist() == [0.5, 0.75, 1.0]
    assert found.risk.tolist() == [0.5, pytest.approx(1 / 3), 0.5]


def test_a_radius_is_right_as_often_as_it_holds_the_truth() -> None:
    radii_m = np.array([[5.0, 10.0, 20.0], [5.0, np.nan, 20.0], [5.0, 10.0, 20.0]])
    found = radius_coverage(radii_m, np.array([4.0, 19.0, np.inf]))  # the last one is a photo from elsewhere
    assert [(each.level, each.stated, each.inside) for each in found] == [(0.5, 2, 0.5), (0.8, 1, 1.0), (0.95, 2, 1.0)]


def test_accepted_answers_are_counted_by_what_they_are() -> None:
    answers = Answers.of(
        [
            answered(0.9, 3.0, status="localized"),
            answered(0.9, 70.0, status="localized"),
            answered(0.3, 3.0),
            answered(0.9, float("inf"), status="localized"),
            answered(0.1, float("inf"), status="not_found"),
        ],
        WITHIN_M,
    )
    found = trust(answers)
    assert (found.right_refused, found.foreign_refused) == (0, 0.5)
    assert found.accepted == 0.6
    assert found.wrong_of_accepted == pytest.approx(2 / 3)
    assert (found.right_accepted, found.foreign_accepted) == (0.5, 0.5)


def test_what_cannot_be_computed_is_none() -> None:
    only_right = trust(Answers.of([answered(0.9, 3.0), answered(0.8, 2.0)], WITHIN_M))
    assert (only_right.auroc, only_right.auc_pr, only_right.wrong_of_accepted) == (None, 1.0, None)
    only_foreign = trust(Answers.of([answered(0.9, float("inf"))], WITHIN_M))
    assert (only_foreign.auroc, only_foreign.auc_pr, only_foreign.right_accepted) == (None, None, None)


def test_conditions_and_photos_of_elsewhere_are_told_apart() -> None:
    answers = Answers.of(
        [
            answered(0.9, 3.0, condition="night"),
            answered(0.4, 70.0, condition="night"),
            answered(0.8, 3.0, condition="day"),
            answered(0.7, 3.0),
            answered(0.1, float("inf")),
        ],
        WITHIN_M,
    )
    found = trust_by_group(answers)
    assert {name: each.answers for name, each in found.items()} == {ALL: 5, QUERIES: 4, "day": 1, "night": 2}
    assert list(trust_by_group(answers[~answers.is_foreign])) == [ALL, "day", "night"]
