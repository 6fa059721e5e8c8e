"""Inliers are the matches that one homography explains."""

import sys

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks.spatial_verification.homography import HomographyVerifier, Method, RansacSettings
from model.errors import InvalidInput
from model.matching import MutualMatches

CELLS, PATCHES = (61, 61), (16, 16)


def verifier(settings: RansacSettings | None = None) -> HomographyVerifier:
    pytest.importorskip("cv2")
    return HomographyVerifier(CELLS, PATCHES, settings or RansacSettings(threshold_px=3.0))


def points(right: int, wrong: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(0)
    query = random.uniform(0, 224, (right + wrong, 2))
    homography = np.array([[0.9, 0.1, 12], [-0.05, 1.1, -8], [2e-4, -1e-4, 1]])
    moved = np.c_[query, np.ones(len(query))] @ homography.T
    candidate = moved[:, :2] / moved[:, 2:]
    away = random.uniform(0, 2 * np.pi, wrong)
    candidate[right:] += 60 * np.c_[np.cos(away), np.sin(away)]  # to another place each
    return query, candidate


@pytest.mark.parametrize("method", list(Method))
def test_it_counts_what_follows_the_plane(method: Method) -> None:
    counting = verifier(RansacSettings(method, threshold_px=3.0))
    query, candidate = points(right=80, wrong=60)
    assert counting.inliers(query, candidate) == pytest.approx(80, abs=3)
    assert counting.inliers(query, candidate) == counting.inliers(query, candidate)


def test_cells_lie_in_the_picture_as_the_network_sees_it() -> None:
    counting = verifier()
    assert counting.centres_px[0].tolist() == pytest.approx([7, 7])
    assert counting.centres_px[1].tolist() == pytest.approx([10.5, 7])  # row-major: the next one to the right
    assert counting.centres_px[-1].tolist() == pytest.approx([217, 217])
    matches = MutualMatches(torch.tensor([0, 61]), torch.tensor([1, 3720]))
    query, candidate = counting.points_px(matches)
    assert query.tolist() == [[7, 7], [7, 10.5]]
    assert candidate.tolist() == [[10.5, 7], [217, 217]]


def test_too_few_matches_have_no_homography() -> None:
    counting = verifier()
    query, candidate = points(right=3, wrong=0)
    assert counting.inliers(query, candidate) == 0
    same = np.full((10, 2), 7.0)
    assert counting.inliers(same, same) in range(
        11
    )  # a point does not define a plane; OpenCV must not raise an exception


def test_impossible_settings() -> None:
    with pytest.raises(InvalidInput, match="more than 0 px"):
        RansacSettings(threshold_px=0)


def test_without_opencv_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(InvalidInput, match=r"pip install 'placefix\[bench\]'"):
        HomographyVerifier(CELLS, PATCHES, RansacSettings())
