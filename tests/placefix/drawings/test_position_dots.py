import numpy as np
import pytest

from placefix.drawings.position_dots import MOST_CELLS, gather_dots


def test_positions_that_cannot_be_told_apart_share_a_dot() -> None:
    east_m = np.array([0.0, 1.0, 3.0, 1000.0])
    dots = gather_dots(east_m, np.zeros(4))
    assert dots.cell_m == 1000 / MOST_CELLS
    assert sorted(dots.east_m.tolist()) == [pytest.approx(4 / 3), 1000]
    assert sorted(dots.around.tolist()) == [1, 3]


def test_around_a_dot_are_the_pictures_within_reach() -> None:
    random = np.random.default_rng(2)
    east_m, north_m = random.uniform(0, 2000, 5000), random.uniform(0, 1500, 5000)
    dots = gather_dots(east_m, north_m)
    assert dots.reach_m == 25
    for dot in random.integers(0, len(dots.around), 50):
        distances_m = np.hypot(east_m - dots.east_m[dot], north_m - dots.north_m[dot])
        # Counted by cells: a picture is at most a diagonal farther or nearer than its cell's middle, and so is the dot.
        slack_m = 1.5 * dots.cell_m
        assert (distances_m <= 25 - slack_m).sum() <= dots.around[dot] <= (distances_m <= 25 + slack_m).sum()


@pytest.mark.parametrize(("extent_m", "reach_m"), [(10_000_000, 75_000), (2000, 25), (20, 1.2)])
def test_the_reach_can_be_seen(extent_m: float, reach_m: float) -> None:
    assert gather_dots(np.array([0, extent_m]), np.zeros(2)).reach_m == pytest.approx(reach_m)


def test_one_position_is_one_dot() -> None:
    dots = gather_dots(np.zeros(3), np.zeros(3))
    assert (dots.east_m.tolist(), dots.around.tolist()) == ([0], [3])
