"""The interval for one more run, against the table of Student's distribution and against many drawn runs."""

import numpy as np
import pytest

from benchmarks.ablations.another_run import another_run


def test_three_runs_by_hand() -> None:
    """Mean 50, deviation 1; 4.303 is the two-sided 95 % quantile for two degrees of freedom."""
    interval = another_run([49, 50, 51])
    assert interval is not None
    assert interval.value == 50
    assert interval.high - 50 == pytest.approx(4.303 * (4 / 3) ** 0.5, abs=1e-3)
    assert 50 - interval.low == pytest.approx(interval.high - 50)


def test_it_holds_the_next_run_in_95_of_100_cases() -> None:
    drawn = np.random.default_rng(0).normal(50, 3, (4000, 5))
    intervals = [another_run(runs.tolist()) for runs in drawn[:, :4]]
    held = [
        each is not None and each.low <= last <= each.high for each, last in zip(intervals, drawn[:, 4], strict=True)
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_percentages_end_at_0_and_100() -> None:
    interval = another_run([99, 100, 95])
    assert interval is not None
    assert interval.high == 100


def test_one_run_says_nothing_of_others() -> None:
    assert another_run([80]) is None
    assert another_run([]) is None
