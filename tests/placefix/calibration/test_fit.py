"""A calibration is fitted to questions; faded answers teach it, and are not counted."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binom

from place_map.calibration import Calibration
from placefix.calibration.fit import SEQUENCES, _auto, _Judged, bounds_of, elsewhere_below, fit
from placefix.calibration.questions import Asked, Asker, ask_own_pictures
from service.localizer import Localizer

WITHIN_M = 25.0
SHORTLIST = 20


@pytest.fixture(scope="module")
def own(localizer: Localizer) -> Sequence[Asked]:
    return list(ask_own_pictures(Asker(localizer, SHORTLIST), len(localizer.place_map)))


@pytest.fixture(scope="module")
def made(own: Sequence[Asked], localizer: Localizer) -> Calibration:
    return fit(own, localizer.place_map.places, WITHIN_M, "000001")


def test_more_evidence_is_never_worth_less(made: Calibration) -> None:
    for step in made.steps:
        assert min(step.logistic.weights) >= 0
        assert max(step.logistic.weights) > 0


def test_only_answers_of_the_map_are_counted(made: Calibration, own: Sequence[Asked]) -> None:
    assert made.questions.total == len(own)
    scales = [step.scale for step in made.steps]
    assert made.auto is not None
    for scale in (*scales, made.auto.scale):
        assert scale.bounds[0].accepted <= len(own)
        assert sum(each.answers for each in scale.radii) == len(own)


def test_auto_does_not_stop_where_no_answer_would_be_localized(made: Calibration) -> None:
    errors_m = np.repeat([1.0, np.inf], 300)
    confidences = (np.full(600, 0.981), np.repeat([0.999, 0.1], 300))  # after few candidates, after all
    judged = [_Judged(compared, made.steps[0].logistic, each, errors_m) for compared, each in enumerate(confidences)]
    auto = _auto(judged, 600, WITHIN_M)
    assert auto.sure_from > 0.981
    assert auto.scale.threshold(0.05) is not None


@pytest.mark.parametrize(("right_after_all", "ends_at"), [(900, 50), (901, 50), (910, 100)])
def test_auto_ends_where_hardly_an_answer_gets_better(made: Calibration, right_after_all: int, ends_at: int) -> None:
    judged = [
        _Judged(compared, made.steps[0].logistic, np.full(1000, 0.5), np.where(np.arange(1000) < right, 1.0, np.inf))
        for compared, right in ((0, 900), (20, 900), (50, 900), (100, right_after_all))
    ]
    assert _auto(judged, 1000, WITHIN_M).ends_at == ends_at


def test_the_same_questions_make_the_same_calibration(
    made: Calibration, own: Sequence[Asked], localizer: Localizer
) -> None:
    assert fit(list(own), localizer.place_map.places, WITHIN_M, "000001") == made


def test_a_bound_is_that_of_clopper_and_pearson_or_of_a_threshold_before() -> None:
    confidences = np.repeat([0.995, 0.982, 0.93, 0.5], [100, 40, 300, 60])
    is_right = np.ones(500, dtype=bool)
    is_right[[0, 1, 2, 450]] = False  # three of the surest are wrong, and one that is not sure
    bounds = {bound.confidence: bound for bound in bounds_of(confidences, is_right, np.ones(500, dtype=bool))}
    assert list(bounds) == sorted(each for sequence in SEQUENCES for each in sequence)
    assert [(bounds[each].accepted, bounds[each].wrong) for each in (0.99, 0.98, 0.92, 0.9, 0.5)] == [
        *((100, 3), (140, 3), (440, 3), (440, 3), (500, 4))
    ]
    chance_of_so_few = binom.cdf(3, 100, bounds[0.99].wrong_at_most)
    assert chance_of_so_few == pytest.approx(0.05)  # two sequences share 10 %
    assert {bounds[each].wrong_at_most for each in SEQUENCES[0]} == {bounds[0.99].wrong_at_most}
    assert binom.cdf(3, 440, bounds[0.9].wrong_at_most) == pytest.approx(0.05)
    assert binom.cdf(4, 500, bounds[0.5].wrong_at_most) == pytest.approx(0.05)


def test_a_threshold_is_within_two_hundredths_of_the_confidence_where_answers_become_wrong() -> None:
    confidences = np.repeat([0.95, 0.641, 0.639], [300, 300, 300])
    is_right = confidences > 0.64
    bounds = bounds_of(confidences, is_right, np.ones(900, dtype=bool))
    assert next(bound.confidence for bound in bounds if bound.wrong_at_most <= 0.05) == 0.64


def test_where_no_answer_is_accepted_nothing_is_promised() -> None:
    bounds = bounds_of(np.full(300, 0.91), np.ones(300, dtype=bool), np.ones(300, dtype=bool))
    assert {bound.wrong_at_most for bound in bounds if bound.confidence > 0.91} == {1.0}
    assert bounds[0].wrong_at_most == pytest.approx(1 - 0.05 ** (1 / 300))


def test_a_promise_holds_if_half_of_the_questions_are_about_other_places() -> None:
    confidences = np.repeat([0.995, 0.96, 0.96, 0.1], [500, 100, 24, 376])
    has_place = np.repeat([True, False], [600, 400])
    is_right = has_place.copy()
    is_right[0] = False  # a place that the map has, and that was taken for another one
    bounds = {bound.confidence: bound for bound in bounds_of(confidences, is_right, has_place)}
    assert bounds[0.99].wrong_at_most < 0.01  # one of 500 answers is wrong, and no other place is accepted
    assert (bounds[0.96].accepted, bounds[0.96].wrong) == (624, 25)
    assert binom.cdf(25, 624, 0.057) < 0.05  # the questions that were asked alone would promise 5.7 %
    wrong_of_1200 = 600 * (24 / 400) + 600 * (1 / 600)
    assert bounds[0.96].wrong_at_most == pytest.approx(wrong_of_1200 / (600 * (24 / 400) + 600))


def test_what_is_promised_is_broken_less_often_than_one_time_in_ten() -> None:
    random, broken = np.random.default_rng(0), 0
    chances = np.repeat([0.995, 0.97, 0.94, 0.6], 100)  # that an answer of each confidence is right
    confidences = np.repeat([0.99, 0.97, 0.92, 0.7], 100)
    for _ in range(300):
        bounds = bounds_of(confidences, random.random(400) < chances, np.ones(400, dtype=bool))
        shares = {
            each.confidence: 1 - chances[confidences >= each.confidence].mean() for each in bounds if each.accepted
        }
        broken += any(each.wrong_at_most <= 0.03 < shares[each.confidence] for each in bounds if each.accepted)
    assert 0 < broken < 30


def test_what_looks_worse_than_right_answers_and_like_the_worst_of_the_wrong_ones_is_elsewhere() -> None:
    wrong = np.linspace(0, 0.8, 101)
    assert elsewhere_below(np.linspace(0.5, 1, 101), wrong) == pytest.approx(0.2)  # a quarter of the wrong ones
    assert elsewhere_below(np.linspace(0.05, 1.05, 101), wrong) == pytest.approx(0.06)  # one in a hundred right ones
