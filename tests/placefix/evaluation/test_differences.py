"""Changes by rounding, computed by hand and by the command."""

import numpy as np
import pytest

from model.errors import InvalidInput
from placefix.evaluation.differences import Answer, Differences
from tests.placefix.evaluation.small_set import Set, from_folders, measure, run


def answer(rows: list[int], counts: list[int] | None = None) -> Answer:
    return Answer(np.array(rows, np.int64), None if counts is None else np.array(counts, np.float64))


def test_differences_by_hand() -> None:
    exact = [answer([3, 1, 2], [9, 8, 7]), answer([0, 1], [5, 4]), answer([0, 1], [5, 5]), answer([7], [1])]
    rounded = [answer([1, 3, 4], [9, 9, 1]), answer([0, 1], [5, 4]), answer([0, 2], [1, 0]), answer([7], [1])]
    found = Differences.between(exact, rounded)
    assert (found.queries, found.other_first, found.other_order) == (4, 1, 2)
    # Query 0: picture 3 has 9 and 9, picture 1 has 8 and 9; query 1: as before; query 2: picture 0 has 5 and 1.
    assert (found.compared_counts, found.other_counts, found.largest_count_change) == (6, 2, 4)
    assert found.mean_count_change == pytest.approx(5 / 6)


def test_without_counts_there_is_the_order() -> None:
    found = Differences.between([answer([1, 2])], [answer([2, 1])])
    assert (found.other_first, found.other_order, found.compared_counts, found.mean_count_change) == (1, 1, 0, 0.0)
    with pytest.raises(InvalidInput, match="2 queries"):
        Differences.between([answer([1])], [answer([1]), answer([1])])


def test_a_smaller_store_is_compared_with_float32(town: Set) -> None:
    arguments = [*from_folders(town), "--rerank", 5, "--recalls", 5, "--differences"]
    measured = measure(*arguments, "--store", "float16")
    differences = measured["differences"]
    assert (differences["queries"], measured["settings"]["store"]) == (6, "float16")
    assert 0 < differences["compared_counts"] <= 30
    assert differences["other_counts"] > 0  # float16 does turn matches on this network
    assert "int8 against float32, of 6 queries:" in run(*arguments)
    exact = measure(*arguments, "--store", "float32")["differences"]
    assert (exact["compared_counts"], exact["other_counts"], exact["other_order"]) == (30, 0, 0)
