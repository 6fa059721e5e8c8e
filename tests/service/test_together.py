"""Several photos together, compared with plain looks at every possibility."""

from collections.abc import Sequence
from itertools import pairwise, product
from math import erf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.geo import LatLon, distance_m
from place_map.evidence import Ranking
from place_map.place_file import PlaceRecord, read_places, write_places
from place_map.place_table import PlaceTable
from service.together import (
    MOST_SPEED_M_PER_S,
    STEP_SPACINGS,
    Stand,
    best_path,
    best_place,
    common_confidence,
    reaches_m,
    voices,
)
from tests.examples import drawn

METRE_DEG = 1 / 111_195  # degrees of latitude
WITHIN_M = 25.0
SPACING_M = 10.0
PICTURES = 100


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> PlaceTable:
    """Place a picture every ten metres to the north: row n is 10·n metres along."""
    path = tmp_path_factory.mktemp("street") / "places.parquet"
    records = [
        PlaceRecord(str(row), LatLon(55 + SPACING_M * row * METRE_DEG, 13), None, None, str(row), "0" * 64)
        for row in range(PICTURES)
    ]
    write_places(path, records)
    return PlaceTable(read_places(path, len(records)), path)


def ranking(matches: dict[int, int], background: int = 100, count: int = 15, noise: int = 1) -> Ranking:
    """Rank a photo with some matches, and about ``background`` with pictures that show nothing of it."""
    others = [row for row in range(0, PICTURES, 3) if row not in matches][: count - len(matches)]
    all_of_them = matches | {row: background + noise * (row % 7) for row in others}
    rows = np.array(list(all_of_them), dtype=np.int64)
    distances = np.linspace(0.5, 1, len(rows), dtype=np.float32)
    return Ranking.of(rows, distances, np.array(list(all_of_them.values()), dtype=np.float64))


NOTHING = ranking({}, noise=0)
"""A photo of a covered lens: it matches all pictures alike."""


def test_a_photo_has_one_voice_that_goes_to_what_stands_out() -> None:
    found = ranking({50: 400, 51: 300})
    share = dict(zip(found.rows.tolist(), voices(found).tolist(), strict=True))
    assert sum(share.values()) == pytest.approx(1)
    assert share[50] > share[51] > 0.3 > 20 * max(value for row, value in share.items() if row not in (50, 51))
    assert min(share.values()) == 0
    louder = ranking({50: 4000, 51: 3000}, background=1000)  # ten times as many matches are not a second voice
    assert voices(louder).sum() == pytest.approx(1)


def test_where_nothing_was_compared_similarities_speak_and_where_nothing_stands_out_all_alike() -> None:
    nothing = np.empty(0)
    found = Ranking(np.arange(4), np.array([0.2, 1, 1, 1], dtype=np.float32), nothing)
    assert voices(found).tolist() == [1, 0, 0, 0]
    equal = Ranking(np.arange(4), np.full(4, 0.5, dtype=np.float32), nothing)
    assert voices(equal).tolist() == [0.25] * 4


def test_rivals_of_a_prior_are_background_and_have_no_voice() -> None:
    rows, distances = np.arange(6), np.linspace(0.5, 1, 6, dtype=np.float32)
    found = Ranking.of(rows, distances, np.array([200.0, 120, 150, 100, 100, 100]), rivals=4)
    assert voices(found).shape == (2,)
    assert voices(found) == pytest.approx([57.5 / 65, 0])  # above 142.5: 200 by 57.5, and 150, a rival, by 7.5
    silent = Ranking.of(rows, distances, np.array([100.0, 120, 150, 130, 130, 130]), rivals=4)
    assert voices(silent) == pytest.approx([1 / 6, 1 / 6])


def test_candidates_that_were_not_compared_have_no_voice() -> None:
    found = Ranking.of(np.arange(4), np.linspace(0.5, 1, 4, dtype=np.float32), np.array([50.0, 90]))
    assert voices(found).tolist() == [1, 0, 0, 0]
    assert found.rows[0] == 1


def plain_place(rankings: Sequence[Ranking], places: PlaceTable) -> tuple[int, set[int]]:
    """Return its best picture and its pictures that have a voice, by adding up for every centre."""
    heard = [
        {row: voice for row, voice in zip(found.rows.tolist(), voices(found).tolist(), strict=True) if voice > 0}
        for found in rankings
    ]
    own = {row: sum(photo.get(row, 0) for photo in heard) for row in set().union(*heard)}

    def around(centre: int) -> set[int]:
        return {row for row in own if distance_m(places[centre].position, places[row].position) <= WITHIN_M}

    def loudness(centre: int) -> float:
        return sum(max((photo.get(row, 0) for row in around(centre)), default=0) for photo in heard)

    centre = max(sorted(own), key=lambda row: (round(loudness(row), 9), own[row]))
    return max(sorted(around(centre)), key=lambda row: own[row]), around(centre)


PHOTO = st.dictionaries(st.integers(40, 60), st.integers(110, 400), min_size=1, max_size=6)


@drawn(few=12, many=200)
@given(photos=st.lists(PHOTO, min_size=1, max_size=4))
def test_the_best_place_is_that_of_a_plain_look_at_every_centre(
    street: PlaceTable, photos: list[dict[int, int]]
) -> None:
    rankings = [ranking(matches) for matches in photos]
    rows = best_place(rankings, street, WITHIN_M).tolist()
    best, of_place = plain_place(rankings, street)
    own = {row for found in rankings for row in found.rows[voices(found) > 0].tolist()}
    assert rows[0] == best
    assert set(rows[: len(of_place)]) == of_place
    assert sorted(rows) == sorted(own)


def test_a_bad_photo_does_not_outvote_two_good_ones(street: PlaceTable) -> None:
    good = [ranking({50: 300, 51: 250}), ranking({50: 220, 52: 260})]
    for bad in (NOTHING, ranking({9: 5000}), ranking({9: 900, 10: 900}, background=10)):
        rows = best_place([*good, bad], street, WITHIN_M)
        assert rows[0] in (50, 51, 52)


def test_photos_that_are_unsure_alone_agree_on_a_place(street: PlaceTable) -> None:
    photos = [ranking({50: 150, 10: 160}), ranking({51: 150, 80: 160}), ranking({50: 150, 30: 160})]
    assert [int(each.rows[0]) for each in photos] == [10, 80, 30]
    assert best_place(photos, street, WITHIN_M)[0] == 50


def plain_path(stands: Sequence[Stand], reach_m: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    """Return the likelihood of the likeliest path, among all that there are."""
    return max(
        likelihood(stands, reach_m, path)
        for path in product(*[(None, *range(len(stand.gains))) for stand in stands])
        if any(step is not None for step in path)
    )


def likelihood(
    stands: Sequence[Stand], reach_m: np.ndarray[tuple[int, int], np.dtype[np.float64]], path: Sequence[int | None]
) -> float:
    named = [(photo, step) for photo, step in enumerate(path) if step is not None]
    total = sum(float(stands[photo].gains[step]) for photo, step in named)
    for (earlier, first), (later, second) in pairwise(named):
        apart_m = distance_m(position(stands[earlier], first), position(stands[later], second))
        total -= 0.5 * (apart_m / reach_m[earlier, later]) ** 2
    return total


def position(stand: Stand, candidate: int) -> LatLon:
    return LatLon(float(stand.latitudes[candidate]), float(stand.longitudes[candidate]))


STANDS = st.lists(st.dictionaries(st.integers(0, 40), st.floats(0, 4), max_size=3), min_size=1, max_size=5).filter(any)
TIMES = st.none() | st.lists(st.floats(0, 30), min_size=5, max_size=5).map(sorted)


@drawn(few=50, many=1000)
@given(photos=STANDS, times_s=TIMES)
def test_the_best_path_is_the_likeliest_of_all_that_there_are(
    street: PlaceTable, photos: list[dict[int, float]], times_s: list[float] | None
) -> None:
    stands = [
        Stand(
            np.arange(len(photo)),
            np.array(list(photo.values())),
            street.latitudes[list(photo)],
            street.longitudes[list(photo)],
        )
        for photo in photos
    ]
    count = len(stands)
    reach_m = reaches_m(count, SPACING_M, WITHIN_M, None if times_s is None else times_s[:count])
    path = best_path(stands, reach_m)
    assert likelihood(stands, reach_m, path) == pytest.approx(plain_path(stands, reach_m), abs=1e-9)


def rows_of(path: Sequence[int | None], rankings: Sequence[Ranking], stands: Sequence[Stand]) -> list[int | None]:
    return [
        None if step is None else int(found.rows[stand.ranks[step]])
        for step, found, stand in zip(path, rankings, stands, strict=True)
    ]


def walk(rankings: Sequence[Ranking], places: PlaceTable, times_s: Sequence[float] | None = None) -> list[int | None]:
    stands = [Stand.of(found, places) for found in rankings]
    reach_m = reaches_m(len(stands), places.spacing_m, WITHIN_M, times_s)
    return rows_of(best_path(stands, reach_m), rankings, stands)


def test_a_path_chooses_what_lies_on_it_and_passes_a_photo_without_a_match(street: PlaceTable) -> None:
    photos = [
        ranking({40: 400}),
        ranking({42: 250, 90: 280}),  # alone it would be 90
        NOTHING,
        ranking({10: 260}),  # somewhere else
        ranking({48: 300}),
    ]
    assert walk(photos, street) == [40, 42, None, None, 48]


def test_what_follows_a_gap_may_be_as_much_farther(street: PlaceTable) -> None:
    far = [ranking({10: 200}), *[NOTHING] * 3, ranking({20: 200})]
    assert walk(far, street)[-1] == 20
    assert walk([far[0], far[-1]], street, times_s=[0, 60]) == [10, 20]


def test_times_say_how_far_a_step_may_be(street: PlaceTable) -> None:
    photos = [ranking({10: 400}), ranking({80: 150, 12: 140})]  # 700 m on, or 20 m
    assert walk(photos, street, times_s=[0, 1]) == [10, 12]
    assert walk(photos, street, times_s=[0, 60]) == [10, 80]


def test_a_sequence_of_nothing_still_has_a_path(street: PlaceTable) -> None:
    silent = Ranking(np.array([3]), np.array([0.5], dtype=np.float32), np.empty(0))
    assert walk([silent, silent], street)[-1] == 3
    assert len(Stand.of(None, street).gains) == 0


def test_reaches_grow_with_photos_or_with_seconds_and_never_shrink_below_a_place() -> None:
    steps = reaches_m(3, SPACING_M, WITHIN_M)
    assert steps[0].tolist() == [STEP_SPACINGS * SPACING_M, STEP_SPACINGS * SPACING_M, 2 * STEP_SPACINGS * SPACING_M]
    timed = reaches_m(3, SPACING_M, WITHIN_M, [5, 5, 8])
    assert timed[0].tolist() == [WITHIN_M, WITHIN_M, SPACING_M + 3 * MOST_SPEED_M_PER_S]
    assert np.isinf(reaches_m(2, np.inf, WITHIN_M)).all()  # all pictures at one position


def test_the_common_confidence_is_that_of_one_photo_and_never_surer_than_the_surest() -> None:
    assert common_confidence([0.7]) == pytest.approx(0.7)
    assert common_confidence([0.9] * 5) == pytest.approx(0.9)  # the same doubt is not multiplied away
    assert common_confidence([0.99, 0.99, 0]) == pytest.approx(1 - 0.01 * 3 / 2)  # a covered lens
    assert common_confidence([0.99, 0, 0]) == pytest.approx(1 - 0.01 * 3)  # one of three is so sure by chance thrice
    assert common_confidence([0, 0]) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_a_common_confidence_lies_between_the_least_and_the_surest(confidences: list[float]) -> None:
    common = common_confidence(confidences)
    assert min(confidences) - 1e-12 <= common <= max(confidences) + 1e-12
    assert common_confidence([*confidences, max(confidences)]) >= common - 1e-12  # agreement takes nothing away


def test_sure_answers_of_photos_that_fail_together_are_wrong_no_more_often_than_they_say() -> None:
    """Simulated: doubts that tell the truth of each photo, and depend on each other by a common cause."""
    random, trials, photos = np.random.default_rng(3), 4000, 5
    common, own = random.normal(size=(trials, 1)), random.normal(size=(trials, photos))
    for correlation in (0.0, 0.5, 0.95):
        noise = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
        doubts = np.vectorize(lambda value: 0.5 * (1 + erf(value / 2**0.5)))(noise)  # uniform: all answers are wrong
        together = np.array([common_confidence(row) for row in 1 - doubts])
        for threshold in (0.8, 0.9, 0.95):
            expected = 1 - threshold
            assert np.mean(together >= threshold) <= expected + 3 * np.sqrt(expected * threshold / trials)
