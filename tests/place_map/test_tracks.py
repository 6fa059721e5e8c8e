"""The consecutive pictures of a track."""

import numpy as np

from place_map.tracks import Steps, find_steps

START = np.datetime64("2024-05-01T09:00:00", "us")


def steps(seconds: list[float | None], norths_m: list[float], zones: list[bool] | None = None) -> list[tuple[int, int]]:
    times = np.array(
        [np.datetime64("NaT") if each is None else START + np.timedelta64(int(each * 1e6), "us") for each in seconds],
        dtype="datetime64[us]",
    )
    latitudes = 50 + np.array(norths_m) / 111_195
    found = find_steps(latitudes, np.full(len(seconds), 7.0), times, np.array(zones or [True] * len(seconds)))
    return sorted(zip(found.first.tolist(), found.second.tolist(), strict=True))


def test_pictures_follow_each_other_by_time_and_not_by_row() -> None:
    assert steps([20, 0, 10], [20, 0, 10]) == [(1, 2), (2, 0)]


def test_a_long_pause_or_step_ends_a_track() -> None:
    assert steps([0, 120, 241], [0, 0, 0]) == [(0, 1)]
    assert steps([0, 1, 2], [0, 99, 200]) == [(0, 1)]


def test_pictures_of_unknown_time_are_on_no_track() -> None:
    assert steps([0, None, 5], [0, 1, 2]) == [(0, 2)]
    assert steps([None], [0]) == []
    assert steps([], []) == []


def test_a_clock_without_a_time_zone_is_not_compared_with_an_instant() -> None:
    assert steps([0, 1, 2], [0, 1, 2], [True, False, True]) == [(0, 2)]


def test_steps_lead_between_groups_once() -> None:
    found = Steps(np.array([0, 1, 2, 3]), np.array([1, 2, 3, 4]))
    assert found.between(np.array([0, 0, 1, 0, -1])).tolist() == [[0, 1]]
