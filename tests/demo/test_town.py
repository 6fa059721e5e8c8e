"""The town and its pictures: always the same, each place another, and where the EXIF says."""

from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

from demo.light import EVENING, MORNING
from demo.photo_file import photo_bytes, write_photo
from demo.picture import SIZE, paint_picture
from demo.town import SEED, draw_town
from demo.walk import POINT_NEMO, STATION_DISTANCE_M, STATIONS, database_shots, whole_walk
from index_builder.sources.read import read_source
from model.geo import distance_m, to_utm


def test_same_seed_gives_the_same_town_and_the_same_bytes() -> None:
    shot = next(database_shots())
    first, second = (photo_bytes(paint_picture(draw_town("a"), shot.view, MORNING), shot) for _ in range(2))
    assert first == second
    assert draw_town("a") != draw_town("b")


def test_neighbouring_houses_differ() -> None:
    houses = draw_town(SEED).houses
    assert len(houses) > 60
    for left, right in pairwise(houses):
        if left.frame.along == right.frame.along:
            assert left.roof is not right.roof
            assert left.accent != right.accent
    assert len({house.shop for house in houses if house.shop}) == sum(house.shop is not None for house in houses)


def test_houses_of_a_row_stand_wall_to_wall() -> None:
    houses = draw_town(SEED).houses
    for left, right in pairwise(houses):
        if left.frame.along == right.frame.along and left.frame.normal == right.frame.normal:
            assert right.frame.origin == pytest.approx(left.frame.at(left.width_m, 0))


def test_pictures_are_pictures_of_a_street_and_not_of_nothing() -> None:
    town, shots = draw_town(SEED), list(database_shots())
    painted = [np.asarray(paint_picture(town, shot.view, shot.light)) for shot in shots[:: len(shots) // 4]]
    for pixels in painted:
        assert pixels.shape == (SIZE[1], SIZE[0], 3)
        sky, street = pixels[5, :, 2].mean(), pixels[-5].std(axis=0).mean()
        assert sky > 100
        assert street > 3
        assert len(np.unique(pixels[::4, ::4].reshape(-1, 3) // 16, axis=0)) > 60
    for one, other in combinations(painted, 2):
        assert np.abs(one.astype(int) - other).mean() > 8


def test_evening_looks_otherwise_than_morning_from_the_same_place() -> None:
    town, shot = draw_town(SEED), next(database_shots())
    morning, evening = (np.asarray(paint_picture(town, shot.view, light), dtype=int) for light in (MORNING, EVENING))
    assert np.abs(morning - evening).mean() > 15


def test_walk_has_two_pictures_at_each_station() -> None:
    shots = whole_walk(SEED).database
    assert len({shot.name for shot in shots}) == len(shots) == 2 * 2 * STATIONS == 48
    first, _, next_station, *_ = shots
    assert distance_m(first.position, next_station.position) == pytest.approx(STATION_DISTANCE_M, rel=0.001)
    assert {round(shot.view.heading_deg) for shot in shots} == {54, 126, 324, 36}


def test_town_lies_at_point_nemo_in_metres() -> None:
    """A plane is good enough: against UTM, an ellipsoid, it is off by less than one part in two hundred."""
    origin = to_utm(POINT_NEMO)
    for shot in database_shots():
        utm = to_utm(shot.position, origin.zone)
        assert utm.easting_m - origin.easting_m == pytest.approx(shot.view.east_m, rel=0.006, abs=1.5)
        assert utm.northing_m - origin.northing_m == pytest.approx(shot.view.north_m, rel=0.006, abs=1.5)


def test_every_query_is_near_the_walk_and_none_is_a_picture_of_it() -> None:
    database = list(database_shots())
    queries = whole_walk(SEED).queries
    assert len(queries) == 12
    for query in queries:
        nearest_m = min(distance_m(query.position, shot.position) for shot in database)
        assert nearest_m < STATION_DISTANCE_M / 2 + 2
        assert query.view not in [shot.view for shot in database]
        assert query.light is not MORNING
    walked = [shot.view.east_m + shot.view.north_m for shot in queries]
    assert walked == sorted(walked)


def test_builder_reads_back_position_heading_and_time(tmp_path: Path) -> None:
    town, shots = draw_town(SEED), [*database_shots()][::23]
    for shot in shots:
        write_photo(paint_picture(town, shot.view, shot.light), shot, tmp_path / f"{shot.name}.jpg")
    listing = read_source(tmp_path)
    assert not listing.left_out
    places = {place.id: place for place in listing.places}
    assert set(places) == {f"{shot.name}.jpg" for shot in shots}
    for shot in shots:
        place = places[f"{shot.name}.jpg"]
        assert distance_m(place.position, shot.position) < 0.01
        assert place.heading_deg == pytest.approx(shot.view.heading_deg, abs=0.01)
        assert place.time == shot.time
    assert not list(tmp_path.glob("*.unfinished"))
