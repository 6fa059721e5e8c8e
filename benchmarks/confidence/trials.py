"""Repeated trials: a map is calibrated on some of its answers and tested on others."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from benchmarks.confidence.replay import Replayed, replay
from benchmarks.confidence.stored import Stored
from placefix.calibration.fit import fit
from placefix.calibration.questions import DEFAULT_QUESTIONS, SUFFICIENT_PHOTOS, Asked, why_too_few
from service.words import Rerank

MODES: tuple[Rerank, ...] = ("always", "auto")

_VERSION = "000001"


@dataclass(frozen=True)
class Trial:
    """Hold a calibration and its test.

    Attributes:
        answers: The answers to the queries of the test, then to photos of other places, for each of ``MODES``.
    """

    answers: dict[Rerank, list[Replayed]]


def split(stored: Stored, number: int, *, with_queries: bool) -> tuple[list[Asked], list[Asked]]:
    """Choose the questions for calibration and the queries for the test of a trial, determined by its number.

    Args:
        stored: All answers of the map.
        number: The number of the trial.
        with_queries: Whether half of the queries are used for calibration. The other half is always the test.
    """
    random = np.random.default_rng(number)
    own, queries = (list(dict.fromkeys(each.name for each in asked)) for asked in (stored.own, stored.queries))
    calibrating = set(random.permutation(own)[:DEFAULT_QUESTIONS].tolist())
    halves = random.permutation(queries)
    test = set(halves[len(halves) // 2 :].tolist())
    if with_queries:
        photos = set(queries) - test
        calibrating = photos if len(photos) >= SUFFICIENT_PHOTOS else calibrating | photos
    return (
        [each for each in (*stored.own, *stored.queries) if each.name in calibrating],
        [each for each in stored.queries if each.kind == "query" and each.name in test],
    )


def run_trial(stored: Stored, calibrating: Sequence[Asked], testing: Sequence[Asked]) -> Trial | str:
    """Calibrate, and answer the test and all photos of other places in both modes.

    Args:
        stored: All answers of the map.
        calibrating: The questions for calibration.
        testing: The queries of the test.

    Returns:
        The trial, or the reason why the map cannot be calibrated.
    """
    if (why_not := why_too_few(calibrating, stored.within_m)) is not None:
        return why_not
    calibration = fit(calibrating, stored.places, stored.within_m, _VERSION)
    questions = (*testing, *stored.foreign)
    return Trial({mode: [replay(each, calibration, stored.places, mode) for each in questions] for mode in MODES})


def whole(stored: Stored) -> tuple[list[Asked], list[Asked]]:
    """Return all of the map's own pictures for calibration, and all queries for the test."""
    return list(stored.own), list(compress(stored.queries, (each.kind == "query" for each in stored.queries)))
