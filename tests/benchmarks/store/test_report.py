"""Figures that were computed by hand."""

import numpy as np
import pytest

from benchmarks.store.measure import EXACT, Measurement, Reranked, Way
from benchmarks.store.report import Changes, summarize

FLOATS, CODES = Way("float32", "fast"), Way("int8", "fast")


def reranked(counts: list[list[int]], match_s: float) -> Reranked:
    return Reranked(np.array(counts), np.full(len(counts), 0.001), np.full(len(counts), match_s))


def test_changes_by_hand() -> None:
    exact = np.array([[5, 4, 3, 2, 1, 0], [9, 8, 7, 6, 5, 4]])
    other = np.array([[5, 3, 4, 2, 1, 0], [9, 8, 7, 6, 4, 5]])
    found = Changes.between(exact, other)
    assert (found.queries, found.pairs, found.largest, found.mean) == (2, 12, 1, 4 / 12)
    assert found.mean_count == 54 / 12
    # Query 0 swaps its second and third candidate; query 1 its fifth and sixth, and one of them leaves the first five.
    assert found.other_order == {1: 0, 5: 100, 10: 100}
    assert found.other_set == {1: 0, 5: 50, 10: 0}


def test_recall_is_compared_over_the_same_queries() -> None:
    is_right = np.array([[True, False], [False, True], [True, False], [True, False]])
    found = Measurement(
        is_right=is_right,
        reranked={
            FLOATS: reranked([[3, 2], [1, 2], [3, 2], [1, 2]], 0.004),  # right, right, right, wrong
            CODES: reranked([[3, 2], [2, 1], [3, 2], [1, 2]], 0.002),  # right, wrong, right, wrong
        },
        exact=reranked([[3, 2], [2, 3]], 0.02),  # queries 0 and 2: right, wrong
        exact_every=2,
        bytes_per_picture={"float32": 8, "int8": 2},
    )
    exact, floats, codes = summarize(found)
    assert (exact.way, floats.way, codes.way) == (EXACT, FLOATS, CODES)
    assert [row.recall[1].value for row in (exact, floats, codes)] == [50, 75, 50]
    assert exact.difference[1].value == 0
    assert floats.difference[1].value == 50  # queries 0 and 2: both right, while the exact way has one
    assert codes.difference[1].value == -25  # all four: one less than float32 at the same precision
    assert (codes.changes.queries, codes.changes.largest) == (2, 1)
    assert codes.bytes_per_picture == 2
    assert codes.match_ms == pytest.approx(2)


def test_without_a_faster_precision_the_exact_way_is_one_of_the_rows() -> None:
    is_right = np.array([[True, False], [False, True]])
    counts = reranked([[3, 2], [1, 2]], 0.02)
    found = Measurement(is_right, {EXACT: counts, Way("int8", "exact"): counts}, counts, 1, {"float32": 8, "int8": 2})
    exact, codes = summarize(found)
    assert exact.recall[1].value == codes.recall[1].value == 100
    assert codes.difference[1].value == 0
