"""Trials: a map is calibrated on some of its answers and tested on others, as often as is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from benchmarks.confidence.replay import Replayed, replay
from benchmarks.confidence.stored import Stored
from placefix.calibration.fit import fit
from placefix.calibration.questions import DEFAULT_QUESTIONS, Asked, why_too_few
from service.words import Rerank

MODES: tuple[Rerank, ...] = ("always", "auto")

_VERSION = "000001"


@dataclass(frozen=True)
class Trial:
    """A calibration and its test.

    Attributes:
        answers: For each of ``MODES`` the answers to the queries of the test, then those to photos of elsewhere.
    """

    answers: dict[Rerank, list[Replayed]]


def split(stored: Stored, number: int, *, with_queries: bool) -> tuple[list[Asked], list[Asked]]:
    """Choose what a trial calibrates with, and which queries it tests with; the same number chooses the same.

    Args:
        stored: All answers of the map.
        number: Of the trial.
        with_queries: Whether half of the queries help to calibrate. The other half is the test in any case.
    """
    random = np.random.default_rng(number)
    own, queries = (list(dict.fromkeys(each.name for each in asked)) for asked in (stored.own, stored.queries))
    calibrating = set(random.permutation(own)[:DEFAULT_QUESTIONS].tolist())
    halves = random.permutation(queries)
    test = set(halves[len(halves) // 2 :].tolist())
    if with_queries:
        calibrating |= set(queries) - test
    return (
        [each for each in (*stored.own, *stored.queries) if each.name in calibrating],
        [each for each in stored.queries if each.kind == "query" and each.name in test],
    )


def run_trial(stored: Stored, calibrating: Sequence[Asked], testing: Sequence[Asked]) -> Trial | str:
    """Calibrate, and answer the test and all photos of elsewhere in both modes.

    Args:
        stored: All answers of the map.
        calibrating: What it is calibrated with.
        testing: Queries that are asked.

    Returns:
        Why the map cannot be calibrated with them, where it cannot.
    """
    if (why_not := why_too_few(calibrating, stored.within_m)) is not None:
        return why_not
    calibration = fit(calibrating, stored.places, stored.within_m, _VERSION)
    questions = (*testing, *stored.foreign)
    return Trial({mode: [replay(each, calibration, stored.places, mode) for each in questions] for mode in MODES})


def whole(stored: Stored) -> tuple[list[Asked], list[Asked]]:
    """Return all of the map's own pictures to calibrate with, and all queries to test with."""
    return list(stored.own), list(compress(stored.queries, (each.kind == "query" for each in stored.queries)))
