"""Rankings made by hand, and the evidence for their first candidate."""

from collections.abc import Sequence
from math import log

import numpy as np
import pytest

from model.geo import LatLon
from place_map.evidence import SIGNALS, Evidence, Ranking
from place_map.place_file import PlaceRecord, read_places, write_places
from place_map.place_table import PlaceTable

METRE_DEG = 1 / 111_195  # metres per degree of latitude
WITHIN_M = 25.0


def ranking(rows: Sequence[int], distances: Sequence[float], matches: Sequence[int]) -> Ranking:
    return Ranking.of(np.array(rows), np.array(distances, dtype=np.float32), np.array(matches, dtype=np.float64))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> PlaceTable:
    """Make pictures to the north of the first one, by their metres: rows 0 to 2 are one place, 3 and 4 another."""
    path = tmp_path_factory.mktemp("places") / "places.parquet"
    records = [
        PlaceRecord(str(row), LatLon(55 + north_m * METRE_DEG, 13), None, None, str(row), "0" * 64)
        for row, north_m in enumerate((0, 10, 24, 200, 205))
    ]
    write_places(path, records)
    return PlaceTable(read_places(path, len(records)), path)


def test_candidates_that_were_compared_come_first_by_matches_and_then_by_distance() -> None:
    found = ranking([7, 3, 9, 1, 4], [0.1, 0.2, 0.3, 0.4, 0.5], [5, 8, 5])
    assert found.rows.tolist() == [3, 7, 9, 1, 4]  # 7 and 9 have equal counts: the nearer one is first
    assert found.distances == pytest.approx([0.2, 0.1, 0.3, 0.4, 0.5])
    assert found.scores.tolist() == [8, 5, 5]


def test_without_a_comparison_the_order_is_that_of_the_distances() -> None:
    found = ranking([7, 3], [0.1, 0.2], [])
    assert (found.rows.tolist(), found.scores.tolist()) == ([7, 3], [])


def test_rivals_stay_behind_what_may_be_the_answer_and_count_as_rivals(places: PlaceTable) -> None:
    rows, distances = np.array([0, 1, 3, 4]), np.array([0.6, 0.7, 0.3, 0.4], dtype=np.float32)
    found = Ranking.of(rows, distances, np.array([20.0, 30, 90, 10]), rivals=2)
    assert (found.rows.tolist(), found.scores.tolist(), found.answers) == ([1, 0, 3, 4], [30, 20, 90, 10], 2)
    evidence = Evidence.of(found, places, WITHIN_M)
    assert (evidence.compared, evidence.score, evidence.rival_score) == (4, 30, 90)
    assert evidence.share == pytest.approx((3**4 + 2**4) / (3**4 + 2**4 + 9**4 + 1))
    assert evidence.rival_similarity == pytest.approx(1 - 0.3**2 / 2)
    partly = Ranking.of(rows, distances, np.array([20.0]), rivals=2)
    assert (partly.rows.tolist(), partly.scores.tolist()) == ([0, 1, 3, 4], [20])


def test_another_candidate_is_weighed_in_front_of_the_others(places: PlaceTable) -> None:
    found = ranking([0, 3, 1], [0.1, 0.2, 0.3], [90, 30, 60])
    third = found.led_by(2)
    assert (third.rows.tolist(), third.scores.tolist()) == ([3, 0, 1], [30, 90, 60])
    assert third.distances == pytest.approx([0.2, 0.1, 0.3])
    evidence = Evidence.of(third, places, WITHIN_M)
    assert (evidence.score, evidence.rival_score) == (30, 90)
    assert found.led_by(0).rows.tolist() == found.rows.tolist()
    assert ranking([7, 3], [0.1, 0.2], []).led_by(1).rows.tolist() == [3, 7]


def test_the_rival_is_the_best_of_another_place(places: PlaceTable) -> None:
    found = Evidence.of(ranking([3, 0, 1, 4], [0.4, 0.5, 0.6, 0.8], [30, 90, 60, 20]), places, WITHIN_M)
    assert (found.compared, found.score, found.rival_score) == (4, 90, 30)
    share = (9**4 + 6**4) / (9**4 + 6**4 + 3**4 + 2**4)
    assert found.share == pytest.approx(share)
    assert found.global_rank == 2
    assert found.similarity == pytest.approx(1 - 0.5**2 / 2)
    assert found.rival_similarity == pytest.approx(1 - 0.4**2 / 2)
    nearer = Evidence.of(ranking([1, 0, 3], [0.4, 0.5, 0.6], [60, 90, 30]), places, WITHIN_M)
    assert nearer.global_rank == 2
    assert nearer.similarity == pytest.approx(1 - 0.4**2 / 2)  # the matches of a neighbour
    assert dict(zip(SIGNALS, found.signals, strict=True)) == pytest.approx(
        {
            "ratio": log(91 / 31),
            "share": share,
            "agreement": -log(2),
            "similarity": 0.875,
            "similarity_margin": 0.4**2 / 2 - 0.5**2 / 2,
        }
    )


def test_what_was_not_compared_is_a_rival_by_its_global_features_only(places: PlaceTable) -> None:
    found = Evidence.of(ranking([0, 1, 3], [0.4, 0.5, 0.45], [90, 60]), places, WITHIN_M)
    assert (found.compared, found.rival_score, found.share) == (2, 0, 1.0)
    assert found.rival_similarity == pytest.approx(1 - 0.45**2 / 2)


def test_without_a_rival_the_last_candidate_stands_for_all_that_are_less_alike(places: PlaceTable) -> None:
    found = Evidence.of(ranking([0, 1, 2], [0.4, 0.5, 0.6], [9, 8, 7]), places, WITHIN_M)
    assert (found.rival_score, found.share) == (0, 1.0)
    assert found.rival_similarity == pytest.approx(1 - 0.6**2 / 2)
    alone = Evidence.of(ranking([4], [0.4], [9]), places, WITHIN_M)
    assert alone.rival_similarity == alone.similarity


def test_a_tie_with_another_place_leaves_no_margin(places: PlaceTable) -> None:
    found = Evidence.of(ranking([0, 3], [0.4, 0.4], [50, 50]), places, WITHIN_M)
    assert found.signals == pytest.approx((0.0, 0.5, 0.0, 0.92, 0.0))


@pytest.mark.parametrize("matches", [[], [0, 0]])
def test_no_match_at_all_speaks_for_nothing(matches: list[int], places: PlaceTable) -> None:
    found = Evidence.of(ranking([0, 3], [0.4, 0.6], matches), places, WITHIN_M)
    assert (found.compared, found.score, found.rival_score, found.share) == (len(matches), 0, 0, 0.0)
    assert found.signals[:3] == (0, 0, 0)


def test_the_positive_distance_says_what_is_another_place(places: PlaceTable) -> None:
    asked = ranking([0, 1, 2], [0.4, 0.5, 0.6], [9, 8, 7])
    assert [Evidence.of(asked, places, within_m).rival_score for within_m in (5, 12, 25)] == [8, 7, 0]
