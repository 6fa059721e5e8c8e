from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest

from demo.rendering.plan import streets
from demo.rendering.shots import CONDITION_SHARES, Shot, shots_of
from demo.rendering.splits import SPLITS
from model.geo import distance_m, distances_m

FAIR = {"sun", "overcast"}


def all_shots(split: str) -> list[Shot]:
    database, queries = shots_of(split)
    return [*database, *queries]


def test_no_street_is_in_two_splits() -> None:
    for one, other in combinations(SPLITS.values(), 2):
        assert not set(one.streets) & set(other.streets)
    assert sorted(number for split in SPLITS.values() for number in split.streets) == list(range(152))


@pytest.mark.parametrize(
    ("split", "database", "queries"),
    [("pretrain", 24_000, 0), ("train", 2112, 2688), ("val", 528, 480), ("test", 1056, 2112)],
)
def test_each_split_has_its_number_of_pictures(split: str, database: int, queries: int) -> None:
    assert tuple(map(len, shots_of(split))) == (database, queries)


@pytest.mark.parametrize("split", list(SPLITS))
def test_every_picture_has_its_own_path(split: str) -> None:
    paths = [shot.path for shot in all_shots(split)]
    assert len(set(paths)) == len(paths)


def test_the_same_shots_are_described_again() -> None:
    before = shots_of("val")
    shots_of.cache_clear()
    assert shots_of("val") == before


def test_fewer_streets_are_the_first_ones() -> None:
    database, queries = shots_of("test")
    some_database, some_queries = shots_of("test", 2)
    assert some_database == database[: len(some_database)]
    assert some_queries == queries[: len(some_queries)]
    assert {shot.street for shot in some_queries} == set(SPLITS["test"].streets[:2])


@pytest.mark.parametrize("split", list(SPLITS))
def test_the_database_is_taken_in_fair_weather(split: str) -> None:
    assert {shot.condition for shot in shots_of(split)[0]} == FAIR


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_queries_are_taken_in_every_condition(split: str) -> None:
    queries = shots_of(split)[1]
    counts = Counter(shot.condition for shot in queries)
    assert set(counts) == set(CONDITION_SHARES)
    assert counts["night"] >= 0.25 * len(queries)
    assert 0.22 <= (counts["sun"] + counts["overcast"]) / len(queries) <= 0.28


def test_the_places_of_pretraining_are_seen_five_times() -> None:
    counts = Counter(shot.place for shot in shots_of("pretrain")[0])
    assert len(counts) == 96 * 25 * 2
    assert set(counts.values()) == {5}


def test_streets_are_a_hundred_metres_apart() -> None:
    tracks = [[street.position(along_m, 0) for along_m in range(-4, 205, 8)] for street in streets()]
    for one, other in combinations(tracks, 2):
        if distance_m(one[13], other[13]) < 500:
            latitudes, longitudes = (
                np.array([p.latitude for p in other]),
                np.array([p.longitude for p in other]),
            )
            assert min(distances_m(point, latitudes, longitudes).min() for point in one) >= 100


def test_every_query_has_a_picture_within_25_m_in_its_street() -> None:
    database, queries = shots_of("val")
    latitudes, longitudes = (
        np.array([getattr(shot.position, name) for shot in database]) for name in ("latitude", "longitude")
    )
    of_street = np.array([shot.street for shot in database])
    for query in queries:
        near = distances_m(query.position, latitudes, longitudes) <= 25
        assert near.any()
        assert set(of_street[near].tolist()) == {query.street}


def test_the_heading_is_the_way_to_the_next_station() -> None:
    database = [shot for shot in shots_of("val", 1)[0] if shot.place.endswith("ahead")]
    for here, there in pairwise(database):
        north = there.position.latitude - here.position.latitude
        east = (there.position.longitude - here.position.longitude) * np.cos(np.radians(here.position.latitude))
        way_deg = np.degrees(np.arctan2(east, north))
        assert abs((way_deg - here.heading_deg + 180) % 360 - 180) < 1.5
