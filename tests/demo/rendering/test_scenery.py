from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from demo.rendering.houses import COPY_SHARE, catalogue
from demo.rendering.plan import streets
from demo.rendering.scenery import scenery
from demo.rendering.shots import shots_of
from demo.rendering.splits import SPLITS
from demo.rendering.traffic import CLEAR_M, is_clear, traffic


def test_a_street_looks_the_same_whenever_it_is_drawn() -> None:
    before = scenery(130)
    scenery.cache_clear()
    after = scenery(130)
    assert before.standing == after.standing
    for name in ("facades", "boxes", "roofs", "blobs", "profile_m"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


def test_some_houses_stand_in_the_town_more_than_once() -> None:
    houses = [one.house for number in SPLITS["test"].streets for one in scenery(number).standing]
    copies = Counter(house for house in houses if house in catalogue())
    assert copies.total() / len(houses) == pytest.approx(COPY_SHARE, abs=0.04)
    assert max(copies.values()) > 5
    others = Counter(house for house in houses if house not in catalogue())
    assert max(others.values()) == 1


def test_no_house_stands_in_a_crossing() -> None:
    for number in SPLITS["val"].streets:
        scene = scenery(number)
        for one in scene.standing:
            if one.side and not one.set_back_m:
                for middle_m, half_m in scene.crossings:
                    assert abs(one.middle_m - middle_m) >= half_m + one.house.width_m / 2 - 0.01


def test_lit_windows_and_traffic_differ_between_visits() -> None:
    shot = shots_of("val", 1)[1][0]
    street = streets()[shot.street]
    again, other = traffic(shot, street), traffic(replace(shot, visit=shot.visit + 1), street)
    assert again == traffic(shot, street)
    assert again != other


def test_nothing_that_moves_is_near_the_camera() -> None:
    camera = shots_of("val", 1)[1][0].camera
    assert not is_clear(camera, camera.along_m + 4, camera.aside_m, 2.2, 0.9)
    assert is_clear(camera, camera.along_m + CLEAR_M + 2.2, camera.aside_m, 2.2, 0.9)
    for shot in shots_of("val")[1][:60]:
        street = streets()[shot.street]
        x_m, y_m = street.local(shot.camera.along_m, shot.camera.aside_m)
        for blob in traffic(shot, street).blobs:
            assert np.hypot(blob[0] - x_m, blob[1] - y_m) > CLEAR_M - 0.1
