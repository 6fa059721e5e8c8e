"""The spacing of positions equals the result of a plain comparison of all pairs."""

import numpy as np
import pytest

from model import spacing
from model.geo import pairwise_m
from model.spacing import spacing_m


@pytest.mark.parametrize("spread_deg", [1e-5, 1e-3, 1, 40])
@pytest.mark.parametrize("middle", [(55.0, 13.0), (89.99, 0.0), (0.0, 180.0)])
def test_the_spacing_is_the_median_to_the_nearest_other_position(
    middle: tuple[float, float], spread_deg: float
) -> None:
    random = np.random.default_rng(4)
    latitudes = np.clip(middle[0] + random.normal(0, spread_deg, 60), -90, 90)
    longitudes = (middle[1] + random.normal(0, spread_deg, 60) + 180) % 360 - 180
    apart_m = pairwise_m(latitudes, longitudes, latitudes, longitudes)
    np.fill_diagonal(apart_m, np.inf)
    expected = float(np.median(apart_m.min(axis=1)))
    assert spacing_m(latitudes, longitudes) == pytest.approx(expected, rel=1e-9)
    twice = np.concatenate([latitudes, latitudes[:40]]), np.concatenate([longitudes, longitudes[:40]])
    assert spacing_m(*twice) == pytest.approx(expected, rel=1e-9)  # two pictures at one position are one


def test_pictures_of_one_position_have_no_spacing() -> None:
    assert spacing_m(np.array([5.0, 5.0]), np.array([6.0, 6.0])) == np.inf
    assert spacing_m(np.array([5.0]), np.array([6.0])) == np.inf


def test_of_many_positions_a_sample_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spacing, "_SAMPLE", 20)
    latitudes = np.linspace(0, 0.0399, 400)
    assert spacing_m(latitudes, np.zeros(400)) == pytest.approx(11.12, rel=1e-3)
