"""What another run of everything may reach, told by the runs that there are.

The bootstrap over queries (:mod:`benchmarks.ablations.bootstrap`) says what other queries would have changed, and
nothing of what other random numbers would: for that, everything has to be trained again. A few trainings say little,
and Student's distribution says how little: the interval is for one more of them, not for their mean.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import t

from benchmarks.ablations.bootstrap import Interval


def another_run(percentages: Sequence[float]) -> Interval | None:
    """The mean of runs, and where one more lies in 95 of 100 cases (a prediction interval, kept to 0 … 100).

    Args:
        percentages: What each run reached on the same queries; taken as normally distributed.

    Returns:
        None for fewer than two runs, which say nothing of how they differ.
    """
    count = len(percentages)
    if count < 2:
        return None
    mean, deviation = float(np.mean(percentages)), float(np.std(percentages, ddof=1))
    reach = float(t.ppf(0.975, count - 1)) * deviation * (1 + 1 / count) ** 0.5
    return Interval(mean, max(0.0, mean - reach), min(100.0, mean + reach))
