"""Spatial verification: the number of matches that a single plane explains, by RANSAC."""

from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.cell_grid import CellGrid
from model.errors import InvalidInput
from model.matching import MutualMatches
from model.selavpr.selavpr import SelaVPR

_POINTS_OF_A_HOMOGRAPHY = 4


class Method(StrEnum):
    """Name the estimators of OpenCV.

    Attributes:
        USAC_MAGSAC: Marginalisation over the threshold: the most accurate one.
        USAC_DEFAULT: Local optimisation.
        RANSAC: The classic.
    """

    USAC_MAGSAC = "usac-magsac"
    USAC_DEFAULT = "usac-default"
    RANSAC = "ransac"


@dataclass(frozen=True)
class RansacSettings:
    """Set the search for a homography.

    Attributes:
        method: The estimator.
        threshold_px: Greatest error of an inlier, in pixels of the network's input. By default the side of a patch,
            because a token has no position inside of it.
        max_iterations: The greatest number of samples (OpenCV's default).
        confidence: The probability of a sample without outliers (OpenCV's default).
    """

    method: Method = Method.USAC_MAGSAC
    threshold_px: float = 14.0
    max_iterations: int = 2000
    confidence: float = 0.995

    def __post_init__(self) -> None:
        if not self.threshold_px > 0 or self.max_iterations < 1 or not 0 < self.confidence < 1:
            raise InvalidInput(
                f"RANSAC with a threshold of {self.threshold_px} px, {self.max_iterations} iterations and a confidence "
                f"of {self.confidence}: give more than 0 px, at least 1 iteration, and a confidence between 0 and 1"
            )


class HomographyVerifier:
    """Count the matches that follow one homography."""

    def __init__(self, cells: tuple[int, int], patches: tuple[int, int], settings: RansacSettings) -> None:
        """Compute the places of the cells.

        Args:
            cells: Rows and columns of the local features.
            patches: Rows and columns of patches.
            settings: The settings of RANSAC.

        Raises:
            InvalidInput: OpenCV is not installed.
        """
        self._opencv = load_opencv()
        self._method = getattr(self._opencv, settings.method.value.upper().replace("-", "_"))
        self._settings = settings
        height, width = SelaVPR.needs.size
        self.centres_px: NDArray[np.float64] = CellGrid(cells, patches).centres() * (width, height)

    def points_px(self, matches: MutualMatches) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the places of the matches in the query and in the candidate: ``(n, 2)`` each, x and y in pixels of the
        input.
        """
        return (
            self.centres_px[matches.query_cells.cpu().numpy()],
            self.centres_px[matches.candidate_cells.cpu().numpy()],
        )

    def inliers(self, query_px: NDArray[np.float64], candidate_px: NDArray[np.float64]) -> int:
        """Return how many of ``(n, 2)`` points the best homography maps to their matches; 0 if there is none.

        Equal points give equal numbers, because OpenCV's sampling always begins with the same seed.
        """
        if len(query_px) < _POINTS_OF_A_HOMOGRAPHY:
            return 0
        homography, mask = self._opencv.findHomography(
            query_px,
            candidate_px,
            self._method,
            self._settings.threshold_px,
            maxIters=self._settings.max_iterations,
            confidence=self._settings.confidence,
        )
        return 0 if homography is None or mask is None else int(np.count_nonzero(mask))


def load_opencv() -> Any:
    """Import the module ``cv2`` when it is needed.

    Raises:
        InvalidInput: OpenCV is not installed.
    """
    try:
        return import_module("cv2")
    except ImportError as missing:
        raise InvalidInput(
            "RANSAC is OpenCV's, which is not installed: pip install 'placefix[bench]' (opencv-python-headless)"
        ) from missing
