"""The answers to a picture of the map, as they might be if it had been taken under other conditions.

Pictures of a map mostly show a place by the same light and from the same season: they share more with each other than
a query will with them. A model that has seen nothing else believes no answer at night. So it is fitted to faded answers
besides: of what sets the right candidates apart from the best wrong one, a quarter, a half or three quarters stay.
Nothing is asked for that.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from placefix.calibration.answers import Answer
from placefix.calibration.questions import Asked

KEPT = (0.25, 0.5, 0.75)
"""Shares of what sets right candidates apart that stay: evenly, since nobody knows the conditions of queries."""


def faded(asked: Asked, within_m: float) -> Iterator[Asked]:
    """Yield a question with its answer faded, once for each of ``KEPT``; nothing without right and wrong candidates.

    Args:
        asked: A question.
        within_m: The positive distance: candidates so near to the truth are right.
    """
    answer, is_right = asked.answer, asked.errors_m <= within_m
    if is_right.all() or not is_right.any():
        return
    similarities = 1 - np.square(answer.distances.astype(np.float64)) / 2
    for kept in KEPT:
        distances = np.sqrt(2 - 2 * _nearer_to_wrong(similarities, is_right, kept)).astype(np.float32)
        matches = answer.matches
        if len(matches):
            matches = _nearer_to_wrong(matches.astype(np.float64), is_right, kept).round().astype(np.int64)
        order = np.lexsort((answer.rows, distances))
        yield replace(
            asked,
            answer=Answer(answer.rows[order], distances[order], matches[order] if len(matches) else matches),
            errors_m=asked.errors_m[order],
        )


def _nearer_to_wrong(values: NDArray[np.float64], is_right: NDArray[np.bool_], kept: float) -> NDArray[np.float64]:
    """Let those of right candidates that are above all wrong ones keep a part of what they are above."""
    most_wrong = values[~is_right].max()
    return np.where(is_right & (values > most_wrong), most_wrong + kept * (values - most_wrong), values)
