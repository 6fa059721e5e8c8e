"""The answer to a stored question as given by ``service.localizer`` with some calibration."""

from dataclasses import dataclass

import numpy as np

from place_map.calibration import LEVELS, Calibration
from place_map.evidence import Evidence, Ranking
from place_map.place_table import PlaceTable
from placefix.calibration.questions import Asked
from placefix.evaluation.answered import Answered
from service.localization import Verdict
from service.query_options import QueryOptions
from service.rounds import MOST_ROUNDS, count_ahead
from service.words import Rerank


@dataclass(frozen=True)
class Replayed:
    """Hold a replayed answer.

    Attributes:
        answered: The answer, for judging its confidence.
        verdict: The verdict of the service.
        compared: The number of compared candidates.
        counted: The number of candidates that shards count for it, some of them ahead.
    """

    answered: Answered
    verdict: Verdict
    compared: int
    counted: int


def replay(asked: Asked, calibration: Calibration, places: PlaceTable, mode: Rerank) -> Replayed:
    """Answer a stored question.

    Args:
        asked: The question, with the matches of all candidates.
        calibration: The calibration of the map.
        places: The places of the map.
        mode: ``always``, or ``auto``, which stops at the first step that is sure.
    """
    answer, count = asked.answer, len(asked.answer.scores)
    stops = calibration.stops(count) if mode == "auto" else (count,)
    for compared in stops:
        ranking = Ranking.of(answer.rows, answer.distances, answer.scores[:compared])
        evidence = Evidence.of(ranking, places, calibration.within_m)
        judgement = calibration.judge(evidence, is_auto=mode == "auto")
        if judgement is not None and judgement.is_sure:
            break
    if judgement is None:
        raise ValueError(f"{count} candidates were compared, and the calibration has no step for so few")
    verdict = Verdict.of(evidence, judgement, QueryOptions(1, len(answer.rows), mode))
    radii_m = tuple(judgement.scale.radius_m(judgement.confidence, level) for level in LEVELS)
    answered = Answered(
        confidence=judgement.confidence,
        status=verdict.status,
        error_m=float(asked.errors_m[np.flatnonzero(answer.rows == ranking.rows[0])[0]]),
        radii_m=radii_m if verdict.has_position else (None,) * len(LEVELS),
        condition=asked.condition,
    )
    ahead = dict(zip(stops, count_ahead(stops, MOST_ROUNDS), strict=True))
    return Replayed(answered, verdict, compared, ahead[compared])
