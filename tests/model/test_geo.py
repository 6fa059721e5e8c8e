"""Positions, against pyproj (UTM) and geographiclib (geodesics)."""

from functools import cache

import numpy as np
import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj import Transformer

from model.geo import LatLon, Utm, distance_m, distances_m, from_utm, to_utm, utm_zone

latitudes = st.floats(-80, 84)
longitudes = st.floats(-180, 180)
positions = st.builds(LatLon, latitudes, longitudes)


@cache
def _projection(zone: int, is_north: bool) -> Transformer:
    return Transformer.from_crs("EPSG:4326", f"EPSG:{(32600 if is_north else 32700) + zone}", always_xy=True)


@given(positions)
def test_to_utm_equals_proj(position: LatLon) -> None:
    utm = to_utm(position)
    easting_m, northing_m = _projection(utm.zone, utm.is_north).transform(position.longitude, position.latitude)
    # At the equator PROJ may be asked about either hemisphere; both give metres to within a micrometre.
    assert utm.easting_m == pytest.approx(easting_m, abs=1e-6)
    assert utm.northing_m == pytest.approx(northing_m, abs=1e-6)


@given(st.integers(1, 60), st.booleans(), st.floats(166_100, 833_900), st.floats(0.001, 0.93))
def test_from_utm_equals_proj(zone: int, is_north: bool, easting_m: float, fraction: float) -> None:
    northing_m = fraction * 10_000_000 if is_north else (1 - fraction) * 10_000_000
    found = from_utm(Utm(easting_m, northing_m, zone, is_north))
    longitude, latitude = _projection(zone, is_north).transform(easting_m, northing_m, direction="INVERSE")
    assert found.latitude == pytest.approx(latitude, abs=1e-10)
    # Beside the pole a degree of longitude is a few kilometres, and PROJ may name the antimeridian 180 or -180.
    assert (found.longitude - longitude + 180) % 360 - 180 == pytest.approx(0, abs=1e-9)


@given(positions)
def test_utm_round_trip(position: LatLon) -> None:
    assert distance_m(from_utm(to_utm(position)), position) < 1e-6


@given(st.floats(-60, 60), st.floats(-180, 180), st.sampled_from([-1, 1]))
def test_utm_round_trip_in_the_neighbouring_zone(latitude: float, longitude: float, step: int) -> None:
    position = LatLon(latitude, longitude)
    zone = (utm_zone(position) - 1 + step) % 60 + 1
    central_meridian = 6 * zone - 183
    assume(abs((longitude - central_meridian + 180) % 360 - 180) < 3.5)
    utm = to_utm(position, zone)
    assert utm.zone == zone
    assert distance_m(from_utm(utm), position) < 1e-6


@pytest.mark.parametrize("zone", range(1, 61))
@pytest.mark.parametrize("latitude", [-79.9, -33.9, -0.001, 0.0, 0.001, 45.0, 71.9])
def test_every_zone_has_its_central_meridian_at_500_km(zone: int, latitude: float) -> None:
    position = LatLon(latitude, 6 * zone - 183)
    if not (56 <= latitude < 64 and zone == 31):
        assert utm_zone(position) == zone
    utm = to_utm(position)
    assert utm.easting_m == pytest.approx(500_000, abs=1e-6)
    assert utm.is_north == (latitude >= 0)


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone"),
    [
        (60.39, 5.32, 32),  # Bergen: 31 elsewhere
        (55.99, 5.32, 31),
        (64.0, 5.32, 31),
        (60.39, 2.99, 31),
        (60.39, 12.0, 33),
        (78.22, 8.99, 31),  # Svalbard, where 32, 34 and 36 do not exist
        (78.22, 9.0, 33),
        (78.22, 15.65, 33),
        (78.22, 21.0, 35),
        (78.22, 33.0, 37),
        (78.22, 42.0, 38),
        (71.99, 9.0, 32),
        (0.0, -180.0, 1),
        (0.0, 180.0, 1),
        (0.0, 179.999, 60),
        (40.44, -80.0, 17),  # Pittsburgh
        (35.66, 139.69, 54),  # Tokyo
    ],
)
def test_zones(latitude: float, longitude: float, zone: int) -> None:
    assert utm_zone(LatLon(latitude, longitude)) == zone


def test_known_position() -> None:
    """The CN Tower, in the numbers that are printed everywhere."""
    utm = to_utm(LatLon(43.642567, -79.387139))
    assert (utm.zone, utm.is_north) == (17, True)
    assert utm.easting_m == pytest.approx(630_084, abs=1)
    assert utm.northing_m == pytest.approx(4_833_438, abs=1)


@given(positions, positions)
def test_distance_is_within_0_6_percent_of_the_geodesic(a: LatLon, b: LatLon) -> None:
    exact_m = Geodesic.WGS84.Inverse(a.latitude, a.longitude, b.latitude, b.longitude)["s12"]
    assert distance_m(a, b) == pytest.approx(exact_m, rel=0.006, abs=1e-3)


@given(st.builds(LatLon, st.floats(-90, 90), longitudes), st.builds(LatLon, st.floats(-90, 90), longitudes))
def test_distance_is_symmetric_and_bounded(a: LatLon, b: LatLon) -> None:
    assert distance_m(a, b) == pytest.approx(distance_m(b, a), abs=1e-3)
    assert 0 <= distance_m(a, b) <= 20_015_200


def test_distance_across_the_antimeridian_is_short() -> None:
    assert distance_m(LatLon(0, 179.9999), LatLon(0, -179.9999)) == pytest.approx(22.24, abs=0.1)


def test_distances_equal_distance_one_by_one() -> None:
    random = np.random.default_rng(1)
    latitudes_deg, longitudes_deg = random.uniform(-90, 90, 50), random.uniform(-180, 180, 50)
    origin = LatLon(-33.86, 151.21)
    together = distances_m(origin, latitudes_deg, longitudes_deg)
    one_by_one = [distance_m(origin, LatLon(*pair)) for pair in zip(latitudes_deg, longitudes_deg, strict=True)]
    np.testing.assert_array_equal(together, one_by_one)


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(90.1, 0), (-90.1, 0), (0, 180.1), (0, -180.1), (float("nan"), 0), (0, float("inf"))],
)
def test_impossible_degrees_are_refused(latitude: float, longitude: float) -> None:
    with pytest.raises(ValueError, match="is not in"):
        LatLon(latitude, longitude)


@pytest.mark.parametrize(
    "metres",
    [(99_999.0, 0.0, 1), (1_000_001.0, 0.0, 1), (5e5, -1.0, 1), (5e5, 1e7 + 1, 1), (5e5, 0.0, 0), (5e5, 0.0, 61)],
)
def test_impossible_utm_is_refused(metres: tuple[float, float, int]) -> None:
    with pytest.raises(ValueError, match="is not in"):
        Utm(*metres, is_north=True)
