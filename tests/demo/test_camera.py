"""The demo's pinhole camera against what a pinhole does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.camera import Camera, Point

EYE: Point = (10.0, 20.0, 1.7)
metres = st.floats(-200, 200)


def camera(heading_deg: float) -> Camera:
    return Camera(EYE, heading_deg, focal_px=400, width=640, height=480, horizon_px=300)


@pytest.mark.parametrize(("heading_deg", "ahead"), [(0, (10, 30)), (90, (20, 20)), (180, (10, 10)), (270, (0, 20))])
def test_what_lies_ahead_is_in_the_middle(heading_deg: float, ahead: tuple[float, float]) -> None:
    [(x, y)] = camera(heading_deg).project([(*ahead, 1.7)])
    assert (x, y) == pytest.approx((320, 300))


def test_east_is_to_the_right_when_looking_north_and_up_is_up() -> None:
    [(x, y)] = camera(0).project([(15.0, 30.0, 4.2)])
    assert x == pytest.approx(320 + 400 * 5 / 10)
    assert y == pytest.approx(300 - 400 * 2.5 / 10)


@given(st.lists(st.tuples(metres, metres, metres), min_size=3, max_size=6), st.floats(0, 360))
def test_faces_that_reach_behind_the_camera_are_cut(polygon: list[Point], heading_deg: float) -> None:
    here = camera(heading_deg)
    cut = here.project(polygon)
    depths = [here.depth_m(point) for point in polygon]
    if all(depth < 0.25 for depth in depths):
        assert cut == []
    elif all(depth >= 0.25 for depth in depths):
        assert len(cut) == len(polygon)
    else:
        assert len(cut) >= 3
    # 600 m at a quarter of a metre: nothing is projected to infinity.
    assert all(abs(x) < 1e6 and abs(y) < 1e6 for x, y in cut)
