"""Intervals of recall by the bootstrap, for other queries of the same kind.

Two systems are compared on the same queries, so their *difference* is resampled, query by query (paired): it is much
more certain than two separate intervals suggest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
_SEED = 0


@dataclass(frozen=True)
class Interval:
    """Hold a percentage and its interval in 95 of 100 resamples.

    Attributes:
        value: The percentage, or points for a difference.
        low: The lower end.
        high: The upper end.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return text like ``62.3 [60.1, 64.4]``."""
        return f"{self.value:.1f} [{self.low:.1f}, {self.high:.1f}]"


def bootstrap(hits: Sequence[NDArray[np.bool_]]) -> Interval:
    """Compute recall over one or more seeds, resampled by query.

    Args:
        hits: ``(Q,)`` for each seed, whether each query was answered right; the same queries in each.
    """
    return _interval(np.mean([each.astype(np.float64) for each in hits], axis=0))


def bootstrap_difference(hits: Sequence[NDArray[np.bool_]], others: Sequence[NDArray[np.bool_]]) -> Interval:
    """Compute the difference to another system in points, on the same queries.

    Args:
        hits: ``(Q,)`` for each seed of one system.
        others: ``(Q,)`` for each seed of the other system; the number of seeds may differ.
    """
    mean, other_mean = (np.mean([each.astype(np.float64) for each in side], axis=0) for side in (hits, others))
    return _interval(mean - other_mean)


def _interval(of_query: NDArray[np.float64]) -> Interval:
    random = np.random.default_rng(_SEED)
    count = len(of_query)
    means = np.empty(RESAMPLES)
    for first in range(0, RESAMPLES, 500):  # all at once would be 170 MB for two thousand queries
        drawn = random.integers(0, count, (min(500, RESAMPLES - first), count))
        means[first : first + len(drawn)] = of_query[drawn].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(100 * float(of_query.mean()), 100 * float(low), 100 * float(high))
