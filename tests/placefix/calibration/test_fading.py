"""Answers by other light keep a part of the lead of the right candidates."""

from itertools import product

import numpy as np
import pytest

from placefix.calibration.answers import Answer
from placefix.calibration.fading import KEPT, faded
from placefix.calibration.questions import Asked

WITHIN_M = 25.0


def question(similarities: list[float], matches: list[int], errors_m: list[float]) -> Asked:
    distances = np.sqrt(2 - 2 * np.array(similarities)).astype(np.float32)
    answer = Answer(np.arange(len(distances)), distances, np.array(matches, dtype=np.float64))
    return Asked("of_map", "a picture", None, answer, np.array(errors_m))


def test_right_candidates_keep_a_part_of_what_they_have_more_than_the_best_wrong_one() -> None:
    asked = question([0.9, 0.7, 0.6, 0.5], [500, 100, 80, 140], [3.0, 90.0, 10.0, 400.0])
    for (kept, kept_matches), other in zip(product(KEPT, KEPT), faded(asked, WITHIN_M), strict=True):
        by_row = {int(row): number for number, row in enumerate(other.answer.rows)}
        similarities = 1 - other.answer.distances.astype(np.float64) ** 2 / 2
        expected = {0: (0.7 + 0.2 * kept, 140 + 360 * kept_matches), 1: (0.7, 100), 2: (0.6, 80), 3: (0.5, 140)}
        for row, (similarity, matches) in expected.items():
            assert similarities[by_row[row]] == pytest.approx(similarity, abs=1e-6)
            assert other.answer.scores[by_row[row]] == matches
            assert other.errors_m[by_row[row]] == asked.errors_m[row]
        assert (other.kind, other.name) == (asked.kind, asked.name)


def test_the_faded_order_is_that_of_the_faded_distances() -> None:
    asked = question([0.9, 0.8, 0.5], [9, 8, 7], [3.0, 4.0, 300.0])
    for other in faded(asked, WITHIN_M):
        assert np.all(np.diff(other.answer.distances) >= 0)


@pytest.mark.parametrize("errors_m", [[1.0, 2.0], [100.0, 200.0], [np.inf, np.inf]])
def test_nothing_fades_without_right_and_wrong_candidates(errors_m: list[float]) -> None:
    assert list(faded(question([0.9, 0.8], [5, 4], errors_m), WITHIN_M)) == []


def test_what_was_not_compared_has_no_matches_to_fade() -> None:
    [first, *others] = faded(question([0.9, 0.8], [], [1.0, 100.0]), WITHIN_M)
    assert len(first.answer.scores) == 0
    assert len(others) == len(KEPT) - 1
    assert 1 - first.answer.distances[0] ** 2 / 2 == pytest.approx(0.8 + 0.1 * KEPT[0], abs=1e-6)
