"""Inliers of a homography, on drawn planes and on matches that OpenCV has judged."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model.homography import RansacSettings, find_inliers
from model.rerankers.patch_netvlad import PatchGrid
from tests.golden.peers.recordings import read_arrays
from tests.golden.peers.select_recordings import PATCHES

SETTINGS = RansacSettings(threshold_px=3.0)
PLANE = np.array([[1.1, 0.2, -30.0], [-0.1, 0.9, 12.0], [0.0002, -0.0001, 1.0]])


def mapped(points: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ PLANE.T
    found: NDArray[np.float64] = moved[:, :2] / moved[:, 2:]
    return found


@pytest.mark.parametrize("outliers", [0, 40, 120])
def test_the_matches_of_a_plane_are_found_among_others(outliers: int) -> None:
    random = np.random.default_rng(outliers)
    source = random.uniform(0, 600, (100 + outliers, 2))
    target = mapped(source) + random.uniform(-0.3, 0.3, source.shape)
    is_right = random.permutation(len(source)) < 100
    target[~is_right] += random.choice([-1, 1], (outliers, 2)) * random.uniform(30, 200, (outliers, 2))
    found = find_inliers(source, target, SETTINGS)
    assert found[is_right].mean() >= 0.95
    assert found[~is_right].sum() <= 0.02 * outliers
    np.testing.assert_array_equal(found, find_inliers(source, target, SETTINGS))


def test_scale_and_place_of_the_points_change_nothing() -> None:
    source = np.random.default_rng(1).uniform(0, 600, (60, 2))
    target = mapped(source)
    target[40:] = target[40:][::-1]
    found = find_inliers(source, target, SETTINGS)
    moved = find_inliers(1000 * source + 7e5, 1000 * target - 3e5, RansacSettings(3000.0))
    np.testing.assert_array_equal(found, moved)
    assert found[:40].all()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_fewer_than_four_matches_fix_no_plane(count: int) -> None:
    points = np.random.default_rng(2).uniform(0, 100, (count, 2))
    assert not find_inliers(points, points, SETTINGS).any()


@pytest.mark.parametrize("is_line_of", ["source", "target", "one point"])
def test_matches_on_a_line_or_in_a_point_fix_no_plane(is_line_of: str) -> None:
    plane = np.random.default_rng(3).uniform(0, 100, (20, 2))
    line = np.stack((np.arange(20.0), 2 * np.arange(20.0) + 5), axis=1)
    source, target = {"source": (line, plane), "target": (plane, line), "one point": (0 * plane, plane)}[is_line_of]
    assert not find_inliers(source, target, SETTINGS).any()


def test_a_mirrored_picture_is_a_plane_too_and_a_twisted_one_is_not() -> None:
    square = np.array([[0.0, 0], [10, 0], [10, 10], [0, 10]])
    assert find_inliers(square, square * (-1, 1), SETTINGS).all()
    assert not find_inliers(square, square[[0, 2, 1, 3]], RansacSettings(0.1)).any()


@pytest.mark.parametrize("method", PATCHES)
def test_counts_are_near_those_of_two_versions_of_opencv(method: str) -> None:
    """OpenCV 4.11 and 5.0 differ by up to 18 % on these matches."""
    recorded, judged = read_arrays(method), 0
    for name, matches in recorded.items():
        if not name.startswith("mutual_"):
            continue
        _, patch, pair, size = name.split("_")
        side = int(patch.removeprefix("patch"))
        height, width = (int(number) // 16 for number in size.split("x"))
        grid = PatchGrid(side, height - side + 1, width - side + 1)
        scale, column = grid.rows * grid.columns, 0 if method == PATCHES[0] else (2, 5, 8).index(side)
        row = "ABCD".index(pair[-1])
        theirs = [
            -scale * recorded[f"{version}scores_RANSAC_{size}"].reshape(4, -1)[row, column]
            for version in ("", "opencv4.11_")
        ]
        db_px, query_px = (grid.centres_px(cells.astype(np.int64)) for cells in matches)
        count = find_inliers(db_px, query_px, RansacSettings(24.0)).sum()
        assert 0.8 * min(theirs) <= count <= min(1.2 * max(theirs), matches.shape[1]), name
        judged += 1
    assert judged == {PATCHES[0]: 8, PATCHES[1]: 24}[method]
