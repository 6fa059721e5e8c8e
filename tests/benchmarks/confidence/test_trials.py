"""Trials calibrate and test with different photos, and their figures belong to their answers."""

from math import inf

import numpy as np
import pytest

from benchmarks.confidence.figures import figures_of
from benchmarks.confidence.replay import Replayed
from benchmarks.confidence.stored import Stored
from benchmarks.confidence.trials import Trial, split, whole
from place_map.place_table import PlaceTable
from placefix.calibration.answers import Answer
from placefix.calibration.questions import Asked, Kind
from placefix.evaluation.answered import Answered
from service.localization import Verdict

NOTHING = Answer(np.array([0]), np.array([0.1], np.float32), np.array([7.0]))


def question(kind: Kind, name: str) -> Asked:
    return Asked(kind, name, "night", NOTHING, np.array([3.0]))


@pytest.fixture
def stored() -> Stored:
    own = [question(kind, f"own {number}") for number in range(40) for kind in ("of_map", "impossible")]
    queries = [question(kind, f"query {number}") for number in range(30) for kind in ("query", "impossible")]
    return Stored("a map", PlaceTable.__new__(PlaceTable), 25.0, tuple(own), tuple(queries), ())


@pytest.mark.parametrize("with_queries", [False, True])
def test_no_photo_is_in_calibration_and_test(stored: Stored, with_queries: bool) -> None:
    calibrating, testing = split(stored, 3, with_queries=with_queries)
    names = {each.name for each in calibrating}
    assert len(testing) == 15
    assert {each.kind for each in testing} == {"query"}
    assert not names & {each.name for each in testing}
    assert sum(name.startswith("query") for name in names) == (15 if with_queries else 0)
    assert len(calibrating) == 2 * len(names)  # all questions of a photo are on the same side


def test_half_of_the_queries_calibrate_alone_where_they_suffice(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.confidence.trials.SUFFICIENT_PHOTOS", 15)
    calibrating, _ = split(stored, 3, with_queries=True)
    assert {each.name.partition(" ")[0] for each in calibrating} == {"query"}
    assert len(calibrating) == 30


def test_the_same_trial_is_the_same_and_another_one_another(stored: Stored) -> None:
    one, again, other = (split(stored, number, with_queries=True) for number in (1, 1, 2))
    assert [each.name for each in one[1]] == [each.name for each in again[1]]
    assert [each.name for each in one[1]] != [each.name for each in other[1]]


def test_all_photos_are_tested_where_there_is_one_trial(stored: Stored) -> None:
    calibrating, testing = whole(stored)
    assert (len(calibrating), len(testing)) == (80, 30)


def _answered(error_m: float) -> Answered:
    radii_m = (5.0, 10.0, 100.0)
    return (
        Answered(0.9, "localized", error_m, radii_m, "night")
        if error_m < inf
        else Answered(0.1, "not_found", error_m, radii_m, "night")
    )


def trial(wrong: int, right: int, compared: int) -> Trial:
    def answers(count: int) -> list[Replayed]:
        errors_m = [3.0] * right + [90.0] * wrong + [inf]
        return [Replayed(_answered(error_m), Verdict("localized"), count, 2 * count) for error_m in errors_m]

    return Trial({"always": answers(100), "auto": answers(compared)})


def test_figures_are_means_and_the_worst_of_all_trials() -> None:
    found = figures_of([trial(0, 19, 10), trial(1, 18, 30)], "auto", 25.0)
    assert (found["trials"], found["saved"]) == (2, pytest.approx(0.8))
    assert found["saved_on_shards"] == pytest.approx(0.6)
    assert found["kept"] == 1  # one wrong answer among 19 is more than 5 %
    assert found["groups"]["all"]["wrong_of_accepted"] == {"low": 0, "mean": pytest.approx(0.5 / 19), "high": 1 / 19}
    assert found["groups"]["all"]["foreign_accepted"] == {"low": 0, "mean": 0, "high": 0}
    assert found["groups"]["night"]["answers"]["mean"] == 20
    assert found["groups"]["queries"]["radii"]["0.95"] == {"low": 1, "mean": 1, "high": 1}
    assert found["pooled"]["queries"]["answers"] == 38
