"""Each signal is about the answer that it says it is about."""

import numpy as np
import pytest

from benchmarks.ablations.outcome import Outcome
from benchmarks.confidence.signals import Signal, signals_of
from model.errors import InvalidInput

OUTCOME = Outcome(
    is_right=np.array([[False, True, False], [True, False, False], [False, False, True]]),
    distances=np.array([[0.25, 0.5, 0.75], [0.125, 0.25, 0.5], [0.5, 0.5, 1.0]], dtype=np.float32),
    counts=np.array([[5, 9, 1], [7, 7, 4], [1, 2, 30]]),
)


def by_name(outcome: Outcome, reranked: int) -> dict[str, Signal]:
    return {signal.name: signal for signal in signals_of(outcome, reranked)}


def test_distances_are_about_the_first_by_distance() -> None:
    found = by_name(OUTCOME, 3)
    assert found["global_distance"].scores.tolist() == [-0.25, -0.125, -0.5]
    assert found["global_margin"].scores.tolist() == [0.25, 0.125, 0.0]
    for name in ("global_distance", "global_margin"):
        assert found[name].is_right.tolist() == [False, True, False]


def test_counts_are_about_the_first_after_reranking() -> None:
    found = by_name(OUTCOME, 3)
    assert found["count"].scores.tolist() == [9, 7, 30]
    assert found["count_margin"].scores.tolist() == [4, 0, 28]
    assert found["reranked_global_distance"].scores.tolist() == [-0.5, -0.125, -1.0]
    for name in ("count", "count_margin", "reranked_global_distance"):
        assert found[name].is_right.tolist() == [True, True, True]


def test_what_is_not_reranked_is_not_the_answer() -> None:
    found = by_name(OUTCOME, 2)
    assert found["count"].scores.tolist() == [9, 7, 2]
    assert found["count"].is_right.tolist() == [True, True, False]


def test_without_counts_there_are_distances() -> None:
    assert list(by_name(Outcome(OUTCOME.is_right, OUTCOME.distances, None), 3)) == ["global_distance", "global_margin"]


def test_a_margin_needs_a_second() -> None:
    with pytest.raises(InvalidInput, match="between two candidates"):
        signals_of(Outcome(OUTCOME.is_right[:, :1], OUTCOME.distances[:, :1], OUTCOME.counts), 1)
