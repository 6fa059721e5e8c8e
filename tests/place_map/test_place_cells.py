"""Pictures in cells: the counts of a plain reference, in any box, at any level, for up to a million pictures."""

from collections import Counter
from math import asinh, floor, pi, radians, tan

import numpy as np
import pytest
from numpy.typing import NDArray

from model.errors import InvalidInput
from place_map.place_cells import FINEST_LEVEL, WORLD, Box, PlaceCells

MOST = 2000
Degrees = NDArray[np.float64]


def positions(count: int, seed: int = 1) -> tuple[Degrees, Degrees]:
    """Make pictures in a few hundred towns all over the world, many of them at the position of another."""
    generator = np.random.default_rng(seed)
    town = generator.integers(0, 300, count)
    middles = np.stack((generator.uniform(-84, 84, 300), generator.uniform(-180, 180, 300)))
    spread = generator.normal(0, 0.02, (2, count)).round(4)
    latitudes, longitudes = middles[:, town] + spread
    return latitudes, (longitudes + 180) % 360 - 180


def reference(latitudes: Degrees, longitudes: Degrees, box: Box, level: int) -> Counter[tuple[int, int]]:
    """Count the pictures of each cell one by one."""
    counts: Counter[tuple[int, int]] = Counter()
    for latitude, longitude in zip(latitudes.tolist(), longitudes.tolist(), strict=True):
        if not box.south <= latitude <= box.north:
            continue
        if box.west <= box.east:
            is_inside = box.west <= longitude <= box.east
        else:
            is_inside = longitude >= box.west or longitude <= box.east
        if is_inside:
            east = (longitude + 180) / 360
            south = 0.5 - asinh(tan(radians(latitude))) / (2 * pi)
            counts[floor(east * 2**level), floor(south * 2**level)] += 1
    return counts


def counts_at(latitudes: Degrees, longitudes: Degrees, level: int) -> list[int]:
    """Count the pictures of each cell in another way, for many pictures."""
    east = np.floor((longitudes + 180) / 360 * 2.0**level)
    south = np.floor((0.5 - np.arcsinh(np.tan(np.radians(latitudes))) / (2 * np.pi)) * 2.0**level)
    _, counts = np.unique(east * 2**31 + south, return_counts=True)
    return sorted(counts.tolist())


@pytest.mark.parametrize("level", [0, 3, 9, 14, 22, FINEST_LEVEL])
@pytest.mark.parametrize(
    "box", [WORLD, Box(-20, -30, 90, 60), Box(170, -84, -160, 84), Box(10, 10, 10, 10), Box(-180, 0, 180, 0)]
)
def test_each_cell_has_the_pictures_that_a_plain_count_gives(level: int, box: Box) -> None:
    latitudes, longitudes = positions(5000)
    cells = PlaceCells(latitudes, longitudes).find(box, level, 10**9)
    expected = reference(latitudes, longitudes, box, level)
    assert sorted(cells.counts.tolist()) == sorted(expected.values())
    assert int(cells.counts.sum()) == expected.total()
    for start, count, box_of_cell in zip(cells.starts, cells.counts, cells.boxes, strict=True):
        rows = cells.rows[start : start + count]
        assert box_of_cell.tolist() == [
            longitudes[rows].min(),
            latitudes[rows].min(),
            longitudes[rows].max(),
            latitudes[rows].max(),
        ]


def test_cells_lie_where_their_pictures_are() -> None:
    latitudes, longitudes = np.array([10.0, 10.0, -50.0]), np.array([20.0, 20.002, 170.0])
    cells = PlaceCells(latitudes, longitudes).find(WORLD, 8, MOST)
    assert sorted(zip(cells.latitudes.tolist(), cells.longitudes.tolist(), cells.counts.tolist(), strict=True)) == [
        (-50.0, 170.0, 1),
        (10.0, pytest.approx(20.001), 2),
    ]
    assert cells.cell_of_row(3)[0] == cells.cell_of_row(3)[1] != cells.cell_of_row(3)[2]


def test_beyond_the_finest_level_each_picture_stands_alone() -> None:
    latitudes, longitudes = np.full(5, 1.0), np.full(5, 2.0)
    places = PlaceCells(latitudes, longitudes)
    assert places.find(WORLD, FINEST_LEVEL, MOST).counts.tolist() == [5]
    assert places.find(WORLD, FINEST_LEVEL + 1, MOST).counts.tolist() == [1] * 5
    assert places.find(WORLD, FINEST_LEVEL + 1, 4).counts.tolist() == [5]  # not more than there may be


def test_a_million_pictures_keep_the_bound_and_lose_none() -> None:
    latitudes, longitudes = positions(1_000_000)
    places = PlaceCells(latitudes, longitudes)
    east, north = float(longitudes[0]), float(latitudes[0])
    for box, level in ((WORLD, 4), (WORLD, 28), (Box(east - 0.01, north - 0.01, east + 0.01, north + 0.01), 18)):
        inside = (latitudes >= box.south) & (latitudes <= box.north)
        inside &= (longitudes >= box.west) & (longitudes <= box.east)
        cells = places.find(box, level, MOST)
        assert np.array_equal(np.sort(cells.rows), np.flatnonzero(inside))
        chosen = latitudes[inside], longitudes[inside]
        allowed = (counts for each in range(level, -1, -1) if len(counts := counts_at(*chosen, each)) <= MOST)
        assert sorted(cells.counts.tolist()) == next(allowed)


def test_a_map_without_pictures_in_the_box_has_no_cells() -> None:
    places = PlaceCells(np.array([1.0]), np.array([1.0]))
    assert len(places.find(Box(5, 5, 6, 6), 20, MOST)) == 0
    assert len(PlaceCells(np.empty(0), np.empty(0)).find(WORLD, 20, MOST)) == 0


def test_the_poles_and_the_date_line_have_their_cells() -> None:
    latitudes, longitudes = np.array([90.0, -90.0, 0.0, 0.0]), np.array([0.0, 0.0, 180.0, -180.0])
    cells = PlaceCells(latitudes, longitudes).find(WORLD, 20, MOST)
    assert len(cells) == 4


@pytest.mark.parametrize(
    "numbers", [(-181, 0, 0, 1), (0, 5, 1, 4), (0, -91, 1, 0), (0, 0, 1, 91), (0, 0, float("nan"), 1)]
)
def test_a_box_that_is_none_is_refused(numbers: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidInput, match="degrees"):
        Box(*numbers)
