"""Positions that were moved are found, and nobody else is accused."""

from dataclasses import replace

import numpy as np
import pytest

from model.errors import InvalidInput
from model.geo import distance_m
from placefix.outliers.suspects import Limits, OwnMatches, Pictures, find_suspects
from tests.placefix.outliers.plain import plain_suspects
from tests.placefix.outliers.street import matches_along, moved, street

COUNT = 120
LIMITS = Limits()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("repeats_after", [None, 40])
def test_where_none_was_moved_none_is_suspect(seed: int, repeats_after: int | None) -> None:
    findings = find_suspects(matches_along(COUNT, seed=seed, repeats_after=repeats_after), street(COUNT), LIMITS)
    assert findings.suspects == ()
    assert (findings.checked > 0.95 * COUNT) == (repeats_after is None)


@pytest.mark.parametrize("seed", range(5))
def test_moved_pictures_are_found_and_neither_old_nor_new_neighbours(seed: int) -> None:
    pictures = street(COUNT)
    # 50 goes beside 90 and 51 elsewhere: they vouch for each other's old place, as the others there do
    findings = find_suspects(matches_along(COUNT, seed=seed), moved(pictures, {20: 70, 50: 90, 51: 5}), LIMITS)
    assert {suspect.row for suspect in findings.suspects} == {20, 50, 51}
    assert [suspect.excess for suspect in findings.suspects] == sorted(
        (suspect.excess for suspect in findings.suspects), reverse=True
    )
    for suspect in findings.suspects:
        assert distance_m(pictures.position(suspect.row), pictures.position(suspect.evidence_row)) < 25
        assert suspect.excess > findings.threshold
        assert suspect.matches_there > 120 > suspect.matches_here
        assert suspect.pictures_there >= 3


def test_a_picture_in_the_middle_of_nowhere_is_found() -> None:
    pictures = street(COUNT)
    latitudes = pictures.latitudes.copy()
    latitudes[30] -= 0.1
    findings = find_suspects(matches_along(COUNT), replace(pictures, latitudes=latitudes), LIMITS)
    [suspect] = findings.suspects
    assert (suspect.row, suspect.matches_here, suspect.pictures_here) == (30, 0, 0)
    assert suspect.distance_m == pytest.approx(11_100, rel=0.05)


def test_the_antimeridian_is_no_distance() -> None:
    pictures = street(COUNT, longitude=180.0)
    longitudes = np.where(np.arange(COUNT) % 2, 180.0, -180.0)
    across = replace(pictures, longitudes=longitudes)
    assert find_suspects(matches_along(COUNT), across, LIMITS).suspects == ()
    findings = find_suspects(matches_along(COUNT), moved(across, {7: 99}), LIMITS)
    assert [suspect.row for suspect in findings.suspects] == [7]


def test_pictures_without_neighbours_accuse_nobody() -> None:
    findings = find_suspects(matches_along(COUNT), street(COUNT, spacing_m=500), LIMITS)
    assert (findings.suspects, findings.checked) == ((), 0)


def test_what_lies_between_near_and_far_says_nothing() -> None:
    pictures = street(COUNT)
    by_60_m = moved(pictures, {30: 36})
    own = matches_along(COUNT)
    assert find_suspects(own, by_60_m, LIMITS).suspects == ()
    [suspect] = find_suspects(own, by_60_m, Limits(within_m=15, beyond_m=35)).suspects
    assert suspect.row == 30


@pytest.mark.parametrize("is_copied", [False, True])
def test_copies_of_one_file_speak_once(is_copied: bool) -> None:
    """Places have five pictures; the first was moved, and the four others of its place are one file."""
    count = 60
    places = np.arange(count) // 5
    is_same_place = places[:, None] == places
    matches = np.random.default_rng(1).poisson(np.where(is_same_place, 150, 20))
    rows = np.array([np.delete(np.arange(count), row) for row in range(count)])
    own = OwnMatches(rows, np.take_along_axis(matches, rows, axis=1))
    contents = np.where(is_copied & (places == 0) & (np.arange(count) > 0), count, np.arange(count))
    pictures = Pictures(55 + places / 100, np.full(count, 13.0), contents)
    findings = find_suspects(own, moved(pictures, {0: 59}), LIMITS)
    assert [(each.row, each.pictures_there) for each in findings.suspects] == ([] if is_copied else [(0, 4)])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_map_of_a_few_pictures_tells_nothing(count: int) -> None:
    findings = find_suspects(matches_along(count, candidates=count - 1), street(count), LIMITS)
    assert (findings.suspects, findings.checked) == ((), 0)


def test_a_picture_itself_fills_up_and_says_nothing() -> None:
    own = matches_along(COUNT)
    own_rows = np.arange(COUNT)[:, None]
    filled = OwnMatches(
        np.concatenate([own.rows, own_rows, own_rows], axis=1),
        np.concatenate([own.matches, np.zeros((COUNT, 2), dtype=np.int64)], axis=1),
    )
    wrong = moved(street(COUNT), {20: 70, 50: 90})
    assert find_suspects(filled, wrong, LIMITS) == find_suspects(own, wrong, LIMITS)


@pytest.mark.parametrize("seed", range(5))
def test_suspects_are_those_of_the_plain_method(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = 40
    own = matches_along(count, candidates=8, seed=seed, repeats_after=20 if seed % 2 else None)
    contents = np.arange(count)
    contents[random.integers(count, size=6)] = 0
    to = dict(zip(random.permutation(count)[:5].tolist(), random.permutation(count)[:5].tolist(), strict=True))
    pictures = moved(replace(street(count), contents=contents), to)
    limits = Limits(within_m=15, beyond_m=random.choice([35, 65]))
    findings = find_suspects(own, pictures, limits)
    expected, threshold = plain_suspects(own, pictures, limits)
    assert findings.threshold == pytest.approx(threshold)
    assert {suspect.row: pytest.approx(suspect.excess) for suspect in findings.suspects} == expected


@pytest.mark.parametrize("limits", [(0, 100), (float("nan"), 100), (25, 49), (25, float("inf")), (-1, 100)])
def test_distances_that_make_no_sense_are_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(InvalidInput):
        Limits(*limits)
