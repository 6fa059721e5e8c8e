"""Near-duplicates, against every picture compared with every other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index_builder.near_duplicates import (
    ComparedPictures,
    DuplicateGroup,
    DuplicateLimits,
    NearDuplicate,
    find_near_duplicates,
)
from model.errors import InvalidInput
from model.geo import LatLon, distance_m
from place_map.place_file import PlaceRecord
from place_map.reader import PlaceMap
from tests.index_builder.map_factory import write_features_map

NOON = datetime(2024, 9, 23, 12, tzinfo=UTC)


@st.composite
def collections(draw: st.DrawFn) -> ComparedPictures:
    """Draw pictures with few kinds of features, often near each other, at the date line, a pole or in a town."""
    latitude, longitude = draw(st.sampled_from([(55.7, 13.2), (0.0, 180.0), (90.0, 0.0), (-33.9, -179.99999)]))
    count = draw(st.integers(0, 12))
    steps = st.integers(-6, 6)

    def each(strategy: st.SearchStrategy[int]) -> list[int]:
        return draw(st.lists(strategy, min_size=count, max_size=count))

    latitudes = np.clip([latitude + 2e-5 * step for step in each(steps)], -90, 90)
    longitudes = (np.array([longitude + 3e-5 * step for step in each(steps)]) + 180) % 360 - 180
    seconds = each(st.sampled_from([-1, 0, 10, 30, 100]))
    times = np.array([np.datetime64("NaT" if second < 0 else second * 1_000_000, "us") for second in seconds], "M8[us]")
    features = np.array(
        draw(st.lists(st.lists(st.integers(-1, 4), min_size=3, max_size=3), min_size=count, max_size=count)),
        dtype=np.float32,
    ).reshape(count, 3)
    return ComparedPictures(
        latitudes=latitudes.reshape(count),
        longitudes=longitudes.reshape(count),
        times=times.reshape(count),
        has_time_zone=np.array(each(st.integers(0, 1)), dtype=bool).reshape(count),
        contents=np.array(each(st.integers(0, 15))),
        global_features=lambda rows: features[rows],
    )


def cosine_of(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    lengths = float(np.linalg.norm(one.astype(np.float64)) * np.linalg.norm(other.astype(np.float64)))
    return float(one.astype(np.float64) @ other.astype(np.float64)) / (lengths or 1.0)


def reference(pictures: ComparedPictures, limits: DuplicateLimits) -> list[tuple[int, list[tuple[int, int]]]]:
    """Return the first row of each group, and the others with their twins."""
    count = len(pictures)
    features = pictures.global_features(np.arange(count))
    places = [LatLon(*pair) for pair in zip(pictures.latitudes.tolist(), pictures.longitudes.tolist(), strict=True)]

    def is_duplicate(row: int, other: int) -> bool:
        if pictures.contents[row] == pictures.contents[other]:
            return True
        both = [pictures.times[row], pictures.times[other]]
        comparable = not np.isnat(both).any() and pictures.has_time_zone[row] == pictures.has_time_zone[other]
        if comparable and abs(both[0] - both[1]) / np.timedelta64(1, "s") > limits.within_s:
            return False
        near = distance_m(places[row], places[other]) <= limits.radius_m
        return near and cosine_of(features[row], features[other]) >= limits.cosine

    links = {
        row: [other for other in range(count) if other != row and is_duplicate(row, other)] for row in range(count)
    }
    groups: list[tuple[int, list[tuple[int, int]]]] = []
    seen: set[int] = set()
    for row in range(count):
        if row in seen or not links[row]:
            continue
        reached, open_rows = {row}, [row]
        while open_rows:
            new = set(links[open_rows.pop()]) - reached
            reached |= new
            open_rows.extend(new)
        seen |= reached
        groups.append((row, [(other, min(links[other])) for other in sorted(reached - {row})]))
    return groups


@given(
    collections(),
    st.sampled_from([0.0, 2.5, 5.0, 20.0, 1000.0]),
    st.sampled_from([0.0, 20.0, 60.0, 1e9]),
    st.sampled_from([-1.0, 0.0, 0.6, 0.8, 0.99]),
)
def test_groups_are_those_of_all_pairs(
    pictures: ComparedPictures, radius_m: float, within_s: float, cosine: float
) -> None:
    limits = DuplicateLimits(radius_m, within_s, cosine)
    found = find_near_duplicates(pictures, limits)
    assert [(group.first, [(each.row, each.twin) for each in group.others]) for group in found] == reference(
        pictures, limits
    )
    for each in (each for group in found for each in group.others):
        if not each.is_same_file:
            assert each.distance_m <= radius_m
            assert each.cosine >= cosine
            assert each.apart_s is None or each.apart_s <= within_s


def twins(count: int, features: NDArray[np.generic]) -> ComparedPictures:
    """Return pictures 1 m apart on a line to the north, 10 s apart, each a file of its own."""
    return ComparedPictures(
        latitudes=55 + np.arange(count) / 111_195,
        longitudes=np.full(count, 13.0),
        times=np.datetime64("2024-09-23T12:00", "us") + np.arange(count) * np.timedelta64(10, "s"),
        has_time_zone=np.ones(count, dtype=bool),
        contents=np.arange(count),
        global_features=lambda rows: features[rows].astype(np.float32),
    )


def test_what_is_told_of_a_duplicate() -> None:
    pictures = twins(3, np.array([[3, 4], [4, 3], [-4, 3]]))
    [group] = find_near_duplicates(pictures, DuplicateLimits(cosine=0.96))
    [other] = group.others
    assert (group.first, other.row, other.twin, other.is_same_file) == (0, 1, 0, False)
    assert other.distance_m == pytest.approx(1, rel=1e-4)
    assert other.cosine == pytest.approx(0.96)
    assert other.apart_s == 10


def test_the_same_file_is_a_duplicate_wherever_and_whenever_it_is_said_to_be_taken() -> None:
    pictures = replace(
        twins(3, np.eye(3)),
        contents=np.array([0, 1, 0]),
        latitudes=np.array([55.0, 55.0, -33.0]),
        times=np.array(["2024-01-01", "2024-01-01", "1999-01-01"], dtype="M8[us]"),
    )
    [group] = find_near_duplicates(pictures, DuplicateLimits())
    assert (group.first, [other.row for other in group.others]) == (0, [2])
    assert group.others[0].is_same_file
    assert group.others[0].distance_m > 9_000_000


def test_a_limit_itself_is_within() -> None:
    """Decided in float64, where float32 cannot tell: 1 - 1e-9 is 1 to it."""
    nearly = np.array([[1, 0], [1, 2**-15]])
    exact = cosine_of(*nearly.astype(np.float32))
    pictures = twins(2, nearly)
    assert np.float32(exact) == 1
    for cosine, count in ((exact, 1), (np.nextafter(exact, 2), 0)):
        assert len(find_near_duplicates(pictures, DuplicateLimits(cosine=float(cosine)))) == count
    apart_m = distance_m(LatLon(55.0, 13.0), LatLon(float(pictures.latitudes[1]), 13.0))
    for radius_m, count in ((apart_m, 1), (np.nextafter(apart_m, 0), 0)):
        assert len(find_near_duplicates(pictures, DuplicateLimits(radius_m=float(radius_m)))) == count
    for within_s, count in ((10.0, 1), (9.999_999, 0)):
        assert len(find_near_duplicates(pictures, DuplicateLimits(within_s=within_s))) == count


def test_one_crowded_place_is_one_group() -> None:
    """More pictures in a cube than a block holds, all alike: 18 million pairs, one group."""
    count = 6000
    pictures = replace(
        twins(count, np.ones((count, 2))),
        latitudes=np.full(count, 55.0),
        times=np.full(count, np.datetime64("NaT"), dtype="M8[us]"),
    )
    [group] = find_near_duplicates(pictures, DuplicateLimits(cosine=0.5))
    assert len(group.others) == count - 1
    assert {other.twin for other in group.others} == {0}


def test_a_hundred_thousand_pictures_of_which_two_drives_are_twins() -> None:
    """Along streets 12 m apart, a picture each 6 m; a drive is uploaded again, 1 m aside."""
    count, again = 100_000, 500
    lines, steps = np.divmod(np.arange(count), 400)
    latitudes, longitudes = 55 + lines * 12 / 111_195, 13 + steps * 6 / 63_780
    latitudes = np.concatenate([latitudes, latitudes[:again] + 1 / 111_195])
    longitudes = np.concatenate([longitudes, longitudes[:again]])
    features = np.random.default_rng(5).standard_normal((count + again, 8)).astype(np.float32)
    features[count:] = features[:again]
    rows_read = 0

    def read(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        nonlocal rows_read
        rows_read += len(rows)
        return np.asarray(features[rows], dtype=np.float32)

    pictures = ComparedPictures(
        latitudes=latitudes,
        longitudes=longitudes,
        times=np.full(len(latitudes), np.datetime64("NaT"), dtype="M8[us]"),
        has_time_zone=np.zeros(len(latitudes), dtype=bool),
        contents=np.arange(len(latitudes)),
        global_features=read,
    )
    found = find_near_duplicates(pictures, DuplicateLimits())
    assert [(group.first, [other.row for other in group.others]) for group in found] == [
        (row, [count + row]) for row in range(again)
    ]
    assert rows_read < 10 * again


@pytest.mark.parametrize(
    ("radius_m", "within_s", "cosine"),
    [(-1, 60, 0.9), (float("nan"), 60, 0.9), (20_000, 60, 0.9), (5, -1, 0.9), (5, float("inf"), 0.9), (5, 60, 1.1)],
)
def test_limits_out_of_their_range_are_refused(radius_m: float, within_s: float, cosine: float) -> None:
    with pytest.raises(InvalidInput, match="must be"):
        find_near_duplicates(twins(2, np.eye(2)), DuplicateLimits(radius_m, within_s, cosine))


def test_a_map_is_compared_across_its_segments(tmp_path: Path) -> None:
    features = np.eye(5, dtype=np.float16)[[0, 1, 0, 3, 4]]
    times = [NOON, None, NOON + timedelta(seconds=5.5), NOON.replace(tzinfo=None), None]
    sums = ["0", "1", "2", "3", "1"]
    records = [
        PlaceRecord(f"p{row}", LatLon(55 + row / 1e5, 13), None, times[row], f"p{row}.jpg", sums[row] * 64)
        for row in range(5)
    ]
    path = write_features_map(tmp_path / "map", features, segment_rows=2, records=records)
    with PlaceMap.open(path) as place_map:
        found = find_near_duplicates(ComparedPictures.of_map(place_map), DuplicateLimits())
    apart_m = distance_m(records[0].position, records[2].position)
    assert found == (
        DuplicateGroup(0, (NearDuplicate(2, 0, apart_m, 1.0, 5.5, is_same_file=False),)),
        DuplicateGroup(
            1,
            (NearDuplicate(4, 1, distance_m(records[1].position, records[4].position), 0.0, None, is_same_file=True),),
        ),
    )
