"""Neighbours through the grid are those that comparing every picture with every other one finds."""

import numpy as np
import pytest
from numpy.typing import NDArray

from index_builder.description import point_grid
from index_builder.description.neighbours import WITHIN_DEG, WITHIN_M, have_same_view, nearest_distances_m
from index_builder.description.point_grid import PointGrid
from model.geo import EARTH_RADIUS_M, LatLon, arc_m, chord_m, distances_m, points_in_space

Degrees = NDArray[np.float64]
METRE_DEG = np.degrees(1 / EARTH_RADIUS_M)


def scattered(seed: int, count: int, middle: LatLon, spread_m: float) -> tuple[Degrees, Degrees]:
    """Draw positions around one, across a pole or the antimeridian if it lies there; some of them several times."""
    random = np.random.default_rng(seed)
    east, north = random.normal(0, spread_m * METRE_DEG, (2, count))
    latitudes = middle.latitude + north
    over_pole = np.abs(latitudes) > 90
    longitudes = middle.longitude + east / np.cos(np.radians(min(abs(middle.latitude), 89.99))) + 180 * over_pole
    latitudes = np.where(over_pole, np.sign(latitudes) * 180 - latitudes, latitudes)
    longitudes = (longitudes + 180) % 360 - 180
    repeated = random.integers(0, count, count // 8)
    latitudes[: len(repeated)], longitudes[: len(repeated)] = latitudes[repeated], longitudes[repeated]
    return latitudes, longitudes


def all_distances_m(latitudes: Degrees, longitudes: Degrees) -> NDArray[np.float64]:
    return np.stack(
        [
            distances_m(LatLon(latitude, longitude), latitudes, longitudes)
            for latitude, longitude in zip(latitudes, longitudes, strict=True)
        ]
    )


SCENES = {
    "a street": scattered(1, 300, LatLon(48.2, 16.3), 40),
    "a city": scattered(2, 300, LatLon(-33.9, 151.2), 4000),
    "across the antimeridian": scattered(3, 300, LatLon(-16.8, 180), 300),
    "around a pole": scattered(4, 300, LatLon(90, 0), 200),
    "a continent": scattered(5, 200, LatLon(10, 20), 1_500_000),
    "a crowd and a few who are far away": tuple(
        np.concatenate(parts)
        for parts in zip(
            scattered(6, 400, LatLon(50, 8), 0.5),
            scattered(7, 12, LatLon(50, 8), 3000),
            scattered(8, 3, LatLon(-40, 170), 800_000),
            strict=True,
        )
    ),
}


@pytest.mark.parametrize("scene", SCENES)
def test_the_nearest_is_the_nearest_of_all(scene: str) -> None:
    latitudes, longitudes = SCENES[scene]
    distances = all_distances_m(latitudes, longitudes)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_allclose(nearest_distances_m(latitudes, longitudes), distances.min(axis=1), rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("scene", SCENES)
def test_the_same_view_is_found_where_there_is_one(scene: str) -> None:
    latitudes, longitudes = SCENES[scene]
    random = np.random.default_rng(9)
    headings_deg = random.uniform(0, 360, len(latitudes))
    headings_deg[random.random(len(latitudes)) < 0.2] = np.nan
    turns = np.abs((headings_deg[:, None] - headings_deg + 180) % 360 - 180)
    backs = (all_distances_m(latitudes, longitudes) <= WITHIN_M) & (turns <= WITHIN_DEG)
    np.fill_diagonal(backs, val=False)
    found = have_same_view(latitudes, longitudes, headings_deg)
    np.testing.assert_array_equal(found, backs.any(axis=1))
    if scene != "a continent":
        assert 0 < found.sum() < len(found)


@pytest.mark.parametrize(
    ("apart_m", "headings_deg", "is_same"),
    [
        (24.9, (10.0, 10.0), True),
        (25.1, (10.0, 10.0), False),
        (5.0, (350.0, 30.0), True),
        (5.0, (350.0, 31.0), False),
        (0.0, (0.0, 40.0), True),
        (0.0, (0.0, 180.0), False),
        (5.0, (10.0, np.nan), False),
    ],
)
def test_the_limits_are_25_m_and_40_degrees(apart_m: float, headings_deg: tuple[float, float], is_same: bool) -> None:
    found = have_same_view(np.array([0, apart_m * METRE_DEG]), np.zeros(2), np.array(headings_deg))
    assert found.tolist() == [is_same, is_same]


def test_a_picture_does_not_back_itself() -> None:
    assert not have_same_view(np.zeros(1), np.zeros(1), np.zeros(1)).any()
    assert nearest_distances_m(np.zeros(1), np.zeros(1)).tolist() == [np.inf]


def test_pictures_of_one_fixed_camera_need_no_more_than_their_number() -> None:
    """Compared pair by pair, these would be forty thousand million."""
    count = 200_000
    latitudes, longitudes = np.full(count + 1, 47.0), np.full(count + 1, 8.0)
    latitudes[-1] += 10 * METRE_DEG
    headings_deg = np.random.default_rng(0).uniform(80, 100, count + 1)
    headings_deg[-1] = 200
    nearest = nearest_distances_m(latitudes, longitudes)
    assert not nearest[:-1].any()
    assert nearest[-1] == pytest.approx(10)
    found = have_same_view(latitudes, longitudes, headings_deg)
    assert found[:-1].all()
    assert not found[-1]


def test_pairs_come_in_pieces_that_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(point_grid, "_BLOCK_PAIRS", 5000)
    points = points_in_space(*scattered(1, 1000, LatLon(50, 8), 0.1))
    rows = np.arange(0, 1000, 3)
    pieces = list(PointGrid(points, 4.0).pairs(rows))
    assert max(len(piece.rows) for piece in pieces) <= 5000
    np.testing.assert_array_equal(np.concatenate([piece.rows[piece.starts] for piece in pieces]), rows)
    assert sum(len(piece.rows) for piece in pieces) == len(rows) * len(points)


def test_chords_and_arcs_are_inverse() -> None:
    for distance_m in (0.0, 25.0, 1e6, np.pi * EARTH_RADIUS_M):
        assert arc_m(np.array([chord_m(distance_m)]))[0] == pytest.approx(distance_m, rel=1e-6)
