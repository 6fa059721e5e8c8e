"""A calibration is fitted to questions; faded answers teach it, and are not counted."""

from collections.abc import Sequence

import pytest

from place_map.calibration import Calibration
from placefix.calibration.fit import fit
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


def test_the_same_questions_make_the_same_calibration(
    made: Calibration, own: Sequence[Asked], localizer: Localizer
) -> None:
    assert fit(list(own), localizer.place_map.places, WITHIN_M, "000001") == made
