"""Recall@N and positives: by hand, and against brute force."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.errors import InvalidInput
from model.geo import LatLon, distance_m
from model.places import Place
from model.recall import positives_by_frame, positives_within, recalls

METRES_PER_DEGREE = 6_371_008.8 * np.pi / 180  # metres per degree of latitude, on the sphere of the distances


def place(latitude: float, longitude: float, heading_deg: float | None = None) -> Place:
    return Place("p", Path("p.jpg"), LatLon(latitude, longitude), heading_deg)


def rows(*lists: Sequence[int]) -> list[NDArray[np.int64]]:
    return [np.array(values, dtype=np.int64) for values in lists]


def as_lists(positives: Sequence[NDArray[np.int64]]) -> list[list[int]]:
    assert all(of_query.dtype == np.int64 for of_query in positives)
    return [of_query.tolist() for of_query in positives]


def test_recalls_by_hand() -> None:
    """Five queries: found first, third and sixth, never, and without a positive."""
    predictions = rows(
        [4, 9, 1, 3, 7, 8], [9, 8, 2, 0, 1, 3], [0, 1, 2, 3, 4, 6], [0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]
    )
    positives = rows([4], [2, 3], [6, 9], [11], [])
    table = recalls(predictions, positives, (1, 2, 3, 5, 6))
    assert table.percent == {1: 20.0, 2: 20.0, 3: 40.0, 5: 40.0, 6: pytest.approx(60.0)}
    assert (table.queries, table.without_positive) == (5, 1)


def test_recalls_print_as_the_field_prints_them() -> None:
    predictions = rows(*[[0, 1]] * 3)
    table = recalls(predictions, rows([0], [1], []), (1, 5))
    assert str(table) == "R@1: 33.3, R@5: 66.7"


def test_fewer_predictions_than_n_are_what_they_are() -> None:
    table = recalls(rows([3], [], [1, 2]), rows([3], [0], [2]), (20, 1, 20))
    assert table.percent == {1: pytest.approx(100 / 3), 20: pytest.approx(200 / 3)}
    assert list(table.percent) == [1, 20]


@pytest.mark.parametrize("values", [(), (0, 1), (-1,)])
def test_recall_at_nothing_is_refused(values: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match="from 1 up"):
        recalls(rows([0]), rows([0]), values)


def test_recall_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no query"):
        recalls([], [])
    with pytest.raises(InvalidInput, match="2 queries and positives for 1"):
        recalls(rows([0], [1]), rows([0]))


@given(st.data())
def test_recalls_equal_the_loop_of_the_field(data: st.DataObject) -> None:
    """The loop that every evaluator of the field has: ``recalls[i:] += 1; break``."""
    count = data.draw(st.integers(1, 8))
    values = sorted(data.draw(st.sets(st.integers(1, 12), min_size=1)))
    ranking = st.lists(st.integers(0, 9), max_size=10, unique=True)
    predictions = rows(*data.draw(st.lists(ranking, min_size=count, max_size=count)))
    positives = rows(*data.draw(st.lists(ranking, min_size=count, max_size=count)))
    hits = np.zeros(len(values))
    for predicted, right in zip(predictions, positives, strict=True):
        for index, value in enumerate(values):
            if np.any(np.isin(predicted[:value], right)):
                hits[index:] += 1
                break
    table = recalls(predictions, positives, values)
    np.testing.assert_allclose([table.percent[value] for value in values], hits / count * 100)
    assert table.without_positive == sum(not len(right) for right in positives)


def test_positives_by_hand() -> None:
    """A row of pictures 10 m apart along a meridian; the query stands on the third."""
    database = [place(10 * number / METRES_PER_DEGREE, 7) for number in range(7)]
    query = place(20 / METRES_PER_DEGREE, 7)
    assert as_lists(positives_within([query], database)) == [[0, 1, 2, 3, 4]]
    assert as_lists(positives_within([query], database, 9.9)) == [[2]]
    assert as_lists(positives_within([query], database, 10.001)) == [[1, 2, 3]]
    assert as_lists(positives_within([place(1, 7)], database)) == [[]]


def test_the_threshold_itself_is_near() -> None:
    query, other = place(48.1, 11.5), place(48.1002, 11.5003)
    threshold_m = distance_m(query.position, other.position)
    assert as_lists(positives_within([query], [other], threshold_m)) == [[0]]
    assert as_lists(positives_within([query], [other], np.nextafter(threshold_m, 0))) == [[]]


def test_headings_by_hand() -> None:
    database = [place(1, 1, heading) for heading in (350.0, 0.0, 30.0, 50.0, 170.0, 310.0, None)]
    near = as_lists(positives_within([place(1, 1, 10.0), place(1, 1, 350.0), place(1, 1)], database, 25, 40))
    assert near == [[0, 1, 2, 3], [0, 1, 2, 5], []]
    assert as_lists(positives_within([place(1, 1)], database)) == [[0, 1, 2, 3, 4, 5, 6]]


_headings = st.one_of(st.none(), st.floats(0, 359.99))
_around = st.sampled_from([(0.0, 0.0), (55.7, 13.2), (-33.9, 179.9999), (-33.9, -179.9999), (89.9995, 20.0)])


@given(st.data(), st.floats(0, 120), st.one_of(st.none(), st.floats(0, 180)))
def test_positives_equal_brute_force(data: st.DataObject, threshold_m: float, heading_deg: float | None) -> None:
    """Also across the antimeridian and beside the pole."""

    def draw_place() -> Place:
        latitude, longitude = data.draw(_around)
        latitude = min(90.0, latitude + data.draw(st.floats(-5e-4, 5e-4)))
        longitude = (longitude + data.draw(st.floats(-5e-4, 5e-4)) + 180) % 360 - 180
        return place(latitude, longitude, data.draw(_headings))

    database = [draw_place() for _ in range(data.draw(st.integers(0, 12)))]
    queries = [draw_place() for _ in range(data.draw(st.integers(0, 4)))]
    expected = [
        [
            row
            for row, other in enumerate(database)
            if distance_m(query.position, other.position) <= threshold_m and _is_same_way(query, other, heading_deg)
        ]
        for query in queries
    ]
    assert as_lists(positives_within(queries, database, threshold_m, heading_deg)) == expected


def _is_same_way(query: Place, other: Place, heading_deg: float | None) -> bool:
    if heading_deg is None:
        return True
    if query.heading_deg is None or other.heading_deg is None:
        return False
    return abs((other.heading_deg - query.heading_deg + 180) % 360 - 180) <= heading_deg


@pytest.mark.parametrize("threshold_m", [-1.0, float("nan"), float("inf")])
def test_impossible_distances_are_refused(threshold_m: float) -> None:
    with pytest.raises(InvalidInput, match="from 0 up"):
        positives_within([], [], threshold_m)


@pytest.mark.parametrize("heading_deg", [-1.0, 181.0, float("nan")])
def test_impossible_angles_are_refused(heading_deg: float) -> None:
    with pytest.raises(InvalidInput, match=r"\[0, 180\]"):
        positives_within([], [], 25, heading_deg)


def test_frames_by_hand() -> None:
    assert as_lists(positives_by_frame([0, 5, 100], [3, 4, 5, 6, 7, 8, 0], 2)) == [[6], [0, 1, 2, 3, 4], []]
    assert as_lists(positives_by_frame([5], [4, 5, 5], 0)) == [[1, 2]]
    with pytest.raises(InvalidInput, match="-1 frames"):
        positives_by_frame([0], [0], -1)
