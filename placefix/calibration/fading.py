"""Faded answers: the answers to a picture of the map as if it had been taken under other conditions.

Pictures of a map mostly show a place in the same light and season: they are more similar to each other than to a query.
A model that has seen only these pictures rejects all answers at night. It is therefore also fitted to faded answers, in
which right candidates keep a quarter, a half or three quarters of their lead over the best wrong one. Global and local
features fade apart, because other light changes them differently: each share of the similarity is paired with each
share of the matches. Faded answers need no questions.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from placefix.calibration.answers import Answer
from placefix.calibration.questions import Asked

KEPT = (0.25, 0.5, 0.75)
"""Shares of the lead that right candidates keep: evenly spread, because the conditions of queries are unknown."""


def faded(asked: Asked, within_m: float) -> Iterator[Asked]:
    """Yield a question with its answer faded, for each pair of ``KEPT``: a share of the lead in similarity, and one in
    matches. Nothing is yielded without right and wrong candidates.

    Args:
        asked: A question.
        within_m: Greatest distance to the truth at which a candidate is right.
    """
    answer, is_right = asked.answer, asked.errors_m <= within_m
    if is_right.all() or not is_right.any():
        return
    similarities = 1 - np.square(answer.distances.astype(np.float64)) / 2
    for kept_similarity, kept_score in product(KEPT, KEPT if len(answer.scores) else KEPT[:1]):
        distances = np.sqrt(2 - 2 * _nearer_to_wrong(similarities, is_right, kept_similarity)).astype(np.float32)
        scores = _nearer_to_wrong(answer.scores, is_right, kept_score) if len(answer.scores) else answer.scores
        order = np.lexsort((answer.rows, distances))
        yield replace(
            asked,
            answer=Answer(answer.rows[order], distances[order], scores[order] if len(scores) else scores),
            errors_m=asked.errors_m[order],
        )


def _nearer_to_wrong(values: NDArray[np.float64], is_right: NDArray[np.bool_], kept: float) -> NDArray[np.float64]:
    """Reduce the lead of right candidates over the best wrong one to a share."""
    most_wrong = values[~is_right].max()
    return np.where(is_right & (values > most_wrong), most_wrong + kept * (values - most_wrong), values)
