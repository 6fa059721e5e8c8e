import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.description.extent import BoundingBox, bounding_box, covered_cells, metres_from_south_west
from model.geo import EARTH_RADIUS_M, LatLon, distance_m

METRE_DEG = np.degrees(1 / EARTH_RADIUS_M)


@pytest.mark.parametrize(
    ("longitudes", "west", "east"),
    [
        ([13.0, 13.5, 14.0], 13.0, 14.0),
        ([-10.0, 10.0], -10.0, 10.0),
        ([179.5, -179.5], 179.5, -179.5),
        ([179.0, 180.0], 179.0, 180.0),
        ([179.0, -180.0], 179.0, 180.0),
        ([180.0, -179.0], -180.0, -179.0),
        ([-179.0, 179.0, 100.0], 100.0, -179.0),
        ([-90.0, 90.0], -90.0, 90.0),
        ([16.4], 16.4, 16.4),
    ],
)
def test_the_box_is_the_narrowest(longitudes: list[float], west: float, east: float) -> None:
    box = bounding_box(np.linspace(-1, 1, len(longitudes)), np.array(longitudes))
    assert (box.west, box.east) == (west, east)


@given(st.lists(st.tuples(st.floats(-89, 89), st.floats(-180, 180)), min_size=1, max_size=20))
def test_everything_is_in_the_box(positions: list[tuple[float, float]]) -> None:
    latitudes, longitudes = np.array(positions).T
    box = bounding_box(latitudes, longitudes)
    assert box.south == latitudes.min()
    assert box.north == latitudes.max()
    width_deg = box.east - box.west + (360 if box.west > box.east else 0)
    offsets = (longitudes - box.west) % 360
    # -1e-300 % 360 is 360: what lies on the western edge.
    assert (np.where(offsets > 360 - 1e-9, 0, offsets) <= width_deg + 1e-9).all()


@pytest.mark.parametrize("middle", [LatLon(48.2, 16.3), LatLon(-17, -179.995), LatLon(-60, 179.999)])
def test_metres_are_those_on_the_ground(middle: LatLon) -> None:
    random = np.random.default_rng(1)
    latitudes = middle.latitude + random.uniform(-0.01, 0.01, 50)
    longitudes = (middle.longitude + random.uniform(-0.01, 0.01, 50) + 180) % 360 - 180
    box = bounding_box(latitudes, longitudes)
    east_m, north_m = metres_from_south_west(box, latitudes, longitudes)
    for one, other in zip(range(25), range(25, 50), strict=True):
        drawn_m = np.hypot(east_m[one] - east_m[other], north_m[one] - north_m[other])
        positions = [LatLon(float(latitudes[row]), float(longitudes[row])) for row in (one, other)]
        assert drawn_m == pytest.approx(distance_m(*positions), rel=1e-3)
    assert (east_m.min(), north_m.min()) == (0, 0)
    assert east_m.max() == pytest.approx(box.width_m)
    assert north_m.max() == pytest.approx(box.height_m)


def test_a_box_across_the_antimeridian_is_not_as_wide_as_the_earth() -> None:
    assert BoundingBox(0, 179.5, 0, -179.5).width_m == pytest.approx(EARTH_RADIUS_M * np.radians(1))


@pytest.mark.parametrize("latitude", [0.0, 48.2, -70.0, 84.0])
@pytest.mark.parametrize("longitude", [16.3, 180.0])
def test_cells_add_up_to_the_ground_at_every_latitude(latitude: float, longitude: float) -> None:
    """Pictures all over a square of 3 km: 900 cells, and those that its edges cut."""
    steps = np.arange(-1500, 1500, 20) * METRE_DEG
    north, east = np.meshgrid(steps, steps)
    latitudes = (latitude + north).ravel()
    longitudes = (longitude + east.ravel() / np.cos(np.radians(latitudes)) + 180) % 360 - 180
    assert 900 <= covered_cells(latitudes, longitudes) <= 31 * 32 + 31


def test_pictures_in_one_square_count_once() -> None:
    latitudes = np.array([0.0001, 0.0002, 0.0002])
    assert covered_cells(latitudes, np.array([0.0001, 0.0001, 0.0008])) == 1
    assert covered_cells(latitudes, np.array([0.0001, 0.0001, 0.0010])) == 2
    assert covered_cells(np.zeros(2), np.array([180.0, -180.0])) == 1
