"""Intervals: around the value, narrower with more queries, and narrower for pairs."""

import numpy as np
import pytest

from benchmarks.ablations.bootstrap import bootstrap, bootstrap_difference


def hits(count: int, share: float, seed: int = 0) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    return np.random.default_rng(seed).random(count) < share


def test_the_interval_is_that_of_a_share() -> None:
    answered = hits(2000, 0.3)
    interval = bootstrap([answered])
    assert interval.value == pytest.approx(100 * answered.mean())
    half_width = 1.96 * 100 * (answered.mean() * (1 - answered.mean()) / 2000) ** 0.5
    assert interval.value - interval.low == pytest.approx(half_width, rel=0.1)
    assert interval.high - interval.value == pytest.approx(half_width, rel=0.1)


def test_pairs_are_surer_than_two_intervals() -> None:
    one = hits(1000, 0.5)
    other = one.copy()
    other[np.flatnonzero(~one)[:20]] = True  # the same, and 20 queries more
    difference = bootstrap_difference([other], [one])
    assert difference.value == pytest.approx(2.0)
    assert difference.low > 0
    assert difference.high - difference.low < bootstrap([one]).high - bootstrap([one]).low


def test_seeds_are_averaged_query_by_query() -> None:
    first, second = np.array([True, False, True, False]), np.array([True, True, False, False])
    assert bootstrap([first, second]).value == pytest.approx(50)
    assert bootstrap_difference([first, second], [first]).value == pytest.approx(0)
    assert str(bootstrap([np.ones(5, dtype=bool)])) == "100.0 [100.0, 100.0]"
