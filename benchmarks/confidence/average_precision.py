"""Precision and recall of a yes or no, as the score grows that it takes; the area below them; and its interval.

For people who want to be sure: whoever answers only where a score is high, is right more often and silent more often.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.ablations.bootstrap import RESAMPLES, Interval
from model.errors import InvalidInput

_SEED = 0
_AT_ONCE = 500  # resamples; all of them would be 170 MB for two thousand queries


class PrecisionRecall:
    """The curve of precision over recall: one point for each distinct score, the highest first.

    Queries of equal scores are answered together or not at all, so they are one point; no order among them is chosen.

    Attributes:
        precision: ``(t,)``: share of right ones among those answered.
        recall: ``(t,)``, ascending to 1: share of the right ones that are answered.
    """

    def __init__(self, scores: NDArray[np.float64], is_right: NDArray[np.bool_]) -> None:
        """Draws the curve.

        Args:
            scores: ``(Q,)``, higher where the answer is more likely right.
            is_right: ``(Q,)``, whether it is.

        Raises:
            InvalidInput: Different lengths, a score that is no number, or not one right answer.
        """
        if scores.shape != is_right.shape or scores.ndim != 1:
            raise InvalidInput(
                f"scores {scores.shape} and truths {is_right.shape} do not go together: give (Q,) of both"
            )
        if not np.isfinite(scores).all():
            raise InvalidInput("a score is no finite number, so queries cannot be ordered by it")
        if not is_right.any():
            raise InvalidInput(f"not one of {len(is_right)} answers is right, and no recall of nothing exists")
        self._order = np.argsort(-scores, kind="stable")
        self._ends = np.flatnonzero(np.append(np.diff(scores[self._order]) != 0, True))  # last of each distinct score
        self._is_right = is_right[self._order]
        right, answered = self._totals(np.ones((1, len(scores)), dtype=np.int64))
        self.precision: NDArray[np.float64] = right[0] / answered[0]
        self.recall: NDArray[np.float64] = right[0] / right[0, -1]

    @property
    def average_precision(self) -> float:
        """The area: the sum of precision times the recall that each point adds, in [0, 1].

        It does not interpolate, as trapezoids would: between two points of this curve there is nothing.
        """
        return float(np.sum(np.diff(self.recall, prepend=0) * self.precision))

    def resampled(self) -> NDArray[np.float64]:
        """The area in each of ``RESAMPLES`` draws of as many queries; NaN where no right one was drawn.

        For the same number of queries the same ones are drawn, so that two scores can be compared draw by draw.
        """
        random = np.random.default_rng(_SEED)
        count = len(self._order)
        areas = np.empty(RESAMPLES)
        for first in range(0, RESAMPLES, _AT_ONCE):
            rows = min(_AT_ONCE, RESAMPLES - first)
            drawn = random.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
            times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
            right, answered = self._totals(times[:, self._order])
            precision = right / np.maximum(answered, 1)
            with np.errstate(invalid="ignore"):
                areas[first : first + rows] = np.sum(np.diff(right, prepend=0) * precision, axis=1) / right[:, -1]
        return areas

    def _totals(self, times: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Right ones and all ones down to each point ``(R, t)``, if each query counts so many times ``(R, Q)``."""
        right = np.cumsum(times * self._is_right, axis=1)[:, self._ends]
        return right, np.cumsum(times, axis=1)[:, self._ends]


def area_interval(curve: PrecisionRecall) -> Interval:
    """The average precision in percent, resampled by query."""
    return _interval(curve.average_precision, curve.resampled())


def area_difference(curve: PrecisionRecall, other: PrecisionRecall) -> Interval:
    """How many points of average precision more than another score of the same answers has, query by query."""
    return _interval(curve.average_precision - other.average_precision, curve.resampled() - other.resampled())


def _interval(value: float, resampled: NDArray[np.float64]) -> Interval:
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return Interval(100 * value, 100 * float(low), 100 * float(high))
