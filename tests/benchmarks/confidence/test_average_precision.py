"""The area below precision and recall, against cases computed by hand."""

import numpy as np
import pytest

from benchmarks.confidence.average_precision import PrecisionRecall, area_difference, area_interval
from model.errors import InvalidInput


def curve(scores: list[float], is_right: list[int]) -> PrecisionRecall:
    return PrecisionRecall(np.array(scores, dtype=np.float64), np.array(is_right, dtype=bool))


@pytest.mark.parametrize(
    ("scores", "is_right", "expected"),
    [
        ([4, 3, 2, 1], [1, 1, 0, 0], 1.0),
        ([4, 3, 2, 1], [1, 0, 1, 0], 1 / 2 * 1 + 1 / 2 * (2 / 3)),
        ([4, 3, 2, 1], [0, 0, 0, 1], 1 / 4),
        ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 1 / 2 * 1 + 1 / 2 * (2 / 3)),  # scikit-learn's own example: 0.83
        ([5, 5, 5, 5], [1, 0, 0, 0], 1 / 4),  # a score that knows nothing has the share of right ones
        ([0, 0, 0, 0, 0], [0, 1, 0, 1, 1], 3 / 5),
        ([2, 2, 1], [1, 0, 1], 1 / 2 * (1 / 2) + 1 / 2 * (2 / 3)),  # the order inside of a tie does not count
        ([2, 2, 1], [0, 1, 1], 1 / 2 * (1 / 2) + 1 / 2 * (2 / 3)),
        ([7], [1], 1.0),
    ],
)
def test_cases_by_hand(scores: list[float], is_right: list[int], expected: float) -> None:
    assert curve(scores, is_right).average_precision == pytest.approx(expected)


def test_points_of_the_curve() -> None:
    drawn = curve([9, 7, 7, 3, 1], [1, 0, 1, 1, 0])
    assert drawn.precision.tolist() == pytest.approx([1, 2 / 3, 3 / 4, 3 / 5])
    assert drawn.recall.tolist() == pytest.approx([1 / 3, 2 / 3, 1, 1])


def test_the_order_of_queries_does_not_count() -> None:
    random = np.random.default_rng(3)
    scores, is_right = random.integers(0, 9, 60).astype(float), random.random(60) < 0.4
    mixed = random.permutation(60)
    expected = PrecisionRecall(scores, is_right).average_precision
    assert PrecisionRecall(scores[mixed], is_right[mixed]).average_precision == pytest.approx(expected)


def test_a_resample_is_the_area_of_the_drawn_queries() -> None:
    random = np.random.default_rng(1)
    scores, is_right = random.integers(0, 6, 20).astype(float), random.random(20) < 0.5
    areas = PrecisionRecall(scores, is_right).resampled()
    drawn = np.random.default_rng(0).integers(0, 20, (500, 20))[:10]  # what is drawn first
    expected = [PrecisionRecall(scores[rows], is_right[rows]).average_precision for rows in drawn]
    assert areas[:10].tolist() == pytest.approx(expected)


def test_an_interval_holds_its_value_and_narrows() -> None:
    def interval(queries: int) -> tuple[float, float, float]:
        random = np.random.default_rng(2)
        is_right = random.random(queries) < 0.4
        found = area_interval(PrecisionRecall(is_right + random.normal(0, 1, queries), is_right))
        return found.low, found.value, found.high

    few, many = interval(60), interval(1500)
    for low, value, high in (few, many):
        assert low < value < high
    assert many[2] - many[0] < (few[2] - few[0]) / 2


def test_a_difference_is_resampled_in_pairs() -> None:
    random = np.random.default_rng(4)
    is_right = random.random(400) < 0.5
    noise = random.normal(0, 1, 400)
    better, worse = (PrecisionRecall(signal * is_right + noise, is_right) for signal in (1.5, 1.0))
    difference = area_difference(better, worse)
    assert difference.value == pytest.approx(100 * (better.average_precision - worse.average_precision))
    assert difference.low > 0
    alone = area_interval(better)
    assert difference.high - difference.low < alone.high - alone.low
    same = area_difference(better, better)
    assert (same.low, same.value, same.high) == (0, 0, 0)


def test_resamples_without_a_right_one_are_left_out() -> None:
    found = area_interval(curve([3, 2, 1], [1, 0, 0]))
    assert found.value == 100
    assert np.isfinite([found.low, found.high]).all()


@pytest.mark.parametrize(
    ("scores", "is_right", "message"),
    [
        ([1.0, 2.0], [0, 0], "not one of 2 answers is right"),
        ([1.0, float("nan")], [0, 1], "no finite number"),
        ([1.0], [0, 1], "do not go together"),
    ],
)
def test_what_has_no_curve(scores: list[float], is_right: list[int], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        curve(scores, is_right)
