"""What an answer carries with it that may tell whether it is right."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.ablations.outcome import Outcome
from model.errors import InvalidInput


@dataclass(frozen=True)
class Signal:
    """One number of each query, and whether the answer that it is about is right.

    Attributes:
        name: For files.
        says: For people.
        is_of_reranked: Whether the answer is the first one after re-ranking, or the first by global distance.
        scores: ``(Q,)``, higher where the answer is more likely right.
        is_right: ``(Q,)``.
    """

    name: str
    says: str
    is_of_reranked: bool
    scores: NDArray[np.float64]
    is_right: NDArray[np.bool_]

    def __getitem__(self, part: NDArray[np.bool_]) -> "Signal":
        return Signal(self.name, self.says, self.is_of_reranked, self.scores[part], self.is_right[part])


DISTANCE, MARGIN = "global_distance", "global_margin"
RERANKED_DISTANCE, COUNT, COUNT_MARGIN = "reranked_global_distance", "count", "count_margin"


def signals_of(outcome: Outcome, reranked: int) -> tuple[Signal, ...]:
    """The signals of an outcome.

    Two are about the first answer by global distance. With counts there are three about the first one after re-ranking:
    its global distance is among them, so that distance and count are compared on the same answers.

    Args:
        outcome: What was found.
        reranked: Candidates that are re-ranked.

    Raises:
        InvalidInput: Less than two candidates, or not so many were counted.
    """
    if outcome.shortlist < 2 or (outcome.counts is not None and reranked < 2):
        raise InvalidInput("a margin is between two candidates: measure with a shortlist of 2 at least")
    distances = outcome.distances.astype(np.float64)
    nearest = outcome.is_right[:, 0]
    found = [
        Signal(DISTANCE, "global distance", False, -distances[:, 0], nearest),
        Signal(MARGIN, "distance margin", False, distances[:, 1] - distances[:, 0], nearest),
    ]
    if outcome.counts is not None:
        order = outcome.order(reranked)[:, :2]
        counts = np.take_along_axis(outcome.counts, order, axis=1).astype(np.float64)
        first = order[:, :1]
        right = np.take_along_axis(outcome.is_right, first, axis=1)[:, 0]
        away = np.take_along_axis(distances, first, axis=1)[:, 0]
        found += [
            Signal(RERANKED_DISTANCE, "global distance", True, -away, right),
            Signal(COUNT, "mutual matches", True, counts[:, 0], right),
            Signal(COUNT_MARGIN, "match margin", True, counts[:, 0] - counts[:, 1], right),
        ]
    return tuple(found)
