"""Outcomes that are stored and read back, and the ranks that follow from them."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.ablations.outcome import NEVER, Outcome, recall_percent
from model.errors import InvalidInput

OUTCOME = Outcome(
    is_right=np.array([[False, True, False], [True, False, False], [False, False, False], [False, False, True]]),
    distances=np.array([[0.25, 0.5, 0.75]] * 4, dtype=np.float32),
    counts=np.array([[5, 9, 1], [7, 7, 7], [1, 2, 3], [4, 4, 5]]),
)


def test_ranks_before_and_after_reranking() -> None:
    assert OUTCOME.first_right(0).tolist() == [1, 0, NEVER, 2]
    assert OUTCOME.first_right(3).tolist() == [0, 0, NEVER, 0]
    assert OUTCOME.first_right(2).tolist() == [0, 0, NEVER, 2]  # the third candidate stays where it is
    assert recall_percent(OUTCOME.first_right(0), 1) == 25
    assert recall_percent(OUTCOME.first_right(3), 1) == 75


def test_of_equal_counts_the_nearer_comes_first() -> None:
    assert OUTCOME.order(3)[1].tolist() == [0, 1, 2]
    assert OUTCOME.order(3)[3].tolist() == [2, 0, 1]


@pytest.mark.parametrize("has_counts", [True, False])
def test_it_survives_a_file(tmp_path: Path, has_counts: bool) -> None:
    outcome = OUTCOME if has_counts else Outcome(OUTCOME.is_right, OUTCOME.distances, None)
    outcome.save(tmp_path / "cell.npz")
    loaded = Outcome.load(tmp_path / "cell.npz")
    assert np.array_equal(loaded.is_right, outcome.is_right)
    assert np.array_equal(loaded.distances, outcome.distances)
    assert loaded.counts is None if outcome.counts is None else np.array_equal(loaded.counts, outcome.counts)  # type: ignore[arg-type]


def test_what_was_not_counted_is_not_reranked() -> None:
    with pytest.raises(InvalidInput, match="4 candidates were not counted"):
        OUTCOME.order(4)
    with pytest.raises(InvalidInput, match="were not counted"):
        Outcome(OUTCOME.is_right, OUTCOME.distances, None).order(1)
