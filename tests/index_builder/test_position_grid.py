"""Pictures near each other, against the distances of all pairs."""

import numpy as np
import pytest

from index_builder.position_grid import near_blocks
from model.errors import InvalidInput
from model.geo import LatLon, distances_m


@pytest.mark.parametrize("radius_m", [0.0, 4.0, 15.0, 40.0])
@pytest.mark.parametrize(
    "centre", [(55.7, 13.2), (-33.9, 151.2), (0.0, 0.0), (10.0, 180.0), (90.0, 0.0), (-90.0, 45.0), (35.3, -45.0)]
)
def test_every_pair_within_the_radius_is_found_and_no_other(centre: tuple[float, float], radius_m: float) -> None:
    """400 positions in a square of 120 m, two of them the same; at the poles every longitude is near."""
    random = np.random.default_rng(3)
    latitudes = centre[0] + random.uniform(-60, 60, 400) / 111_195
    latitudes = np.where(np.abs(latitudes) > 90, np.sign(latitudes) * 180 - latitudes, latitudes)
    if abs(centre[0]) == 90:
        longitudes = random.uniform(-180, 180, 400)
    else:
        longitudes = centre[1] + random.uniform(-60, 60, 400) / (111_195 * np.cos(np.radians(centre[0])))
        longitudes = (longitudes + 180) % 360 - 180
    latitudes[7], longitudes[7] = latitudes[300], longitudes[300]
    expected = {
        (row, int(other))
        for row in range(400)
        for other in np.flatnonzero(
            distances_m(LatLon(float(latitudes[row]), float(longitudes[row])), latitudes, longitudes) <= radius_m
        )
        if row < other
    }
    found = {
        (min(pair), max(pair))
        for block in near_blocks(latitudes, longitudes, radius_m)
        for pair in zip(
            block.rows[np.nonzero(block.near)[0]].tolist(),
            block.others[np.nonzero(block.near)[1]].tolist(),
            strict=True,
        )
    }
    assert found == expected
    assert (7, 300) in found


def test_nothing_has_no_pairs() -> None:
    assert not list(near_blocks(np.empty(0), np.empty(0), 5.0))
    assert not list(near_blocks(np.array([1.0]), np.array([1.0]), 5.0))


@pytest.mark.parametrize("radius_m", [-1.0, float("nan"), float("inf"), 10_001.0])
def test_a_radius_out_of_its_range_is_refused(radius_m: float) -> None:
    with pytest.raises(InvalidInput, match="radius"):
        list(near_blocks(np.zeros(2), np.zeros(2), radius_m))
