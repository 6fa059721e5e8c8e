"""Spatial verification: the matches that one plane explains, by RANSAC (Fischler and Bolles, 1981).

The search is ours, because counts of inliers differ between versions of libraries, on the same matches. It draws the
same samples for the same number of matches, so equal matches have equal inliers.
"""

from dataclasses import dataclass
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

POINTS_OF_A_SAMPLE = 4

_SAMPLES_AT_A_TIME = 128
_LEAST_AREA = 1e-6  # three points with less than this, in squared spreads of all points, count as a line


@dataclass(frozen=True)
class RansacSettings:
    """Set the search for a homography.

    Attributes:
        threshold_px: The greatest error of an inlier, in pixels.
        max_samples: The greatest number of samples.
        confidence: The wanted probability of a sample without outliers; the search ends when it is reached.
    """

    threshold_px: float
    max_samples: int = 2000
    confidence: float = 0.995


def find_inliers(
    source_px: NDArray[np.float64], target_px: NDArray[np.float64], settings: RansacSettings
) -> NDArray[np.bool_]:
    """Find the matches that the best homography explains.

    Args:
        source_px: ``(n, 2)`` points, x and y in pixels.
        target_px: ``(n, 2)``, the point that each of them matches.
        settings: The settings of the search.

    Returns:
        ``(n,)``: whether the homography of the best sample maps the point to its match, within the threshold. All are
        False for fewer than four matches, and if no four of them fix a homography.
    """
    count = len(source_px)
    best = np.zeros(count, dtype=np.bool_)
    if count < POINTS_OF_A_SAMPLE:
        return best
    source, _ = _centred(source_px)
    target, spread_px = _centred(target_px)
    threshold = settings.threshold_px / spread_px
    random = np.random.default_rng(count)
    drawn, wanted, most = 0, settings.max_samples, 0
    while drawn < wanted:
        chosen = random.integers(0, count, (_SAMPLES_AT_A_TIME, POINTS_OF_A_SAMPLE))
        drawn += len(chosen)
        chosen = chosen[_is_usable(source[chosen], target[chosen])]
        if not len(chosen):
            continue
        inliers = _explained(_homographies(source[chosen], target[chosen]), source, target, threshold)
        counts = inliers.sum(axis=1)
        first = int(counts.argmax())
        if counts[first] > most:
            most, best = int(counts[first]), inliers[first]
            wanted = min(settings.max_samples, _samples_needed(most / count, settings.confidence))
    return best


def _centred(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return points around their mean, divided by their spread, so that products keep their digits; and the spread."""
    moved = points - points.mean(axis=0)
    spread = float(np.sqrt(np.square(moved).mean())) or 1.0
    return moved / spread, spread


def _is_usable(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which samples ``(b, 4, 2)`` fix a homography that keeps the side of each three points.

    No three points may lie on a line. A plane that is seen from one side keeps the turn of all triples, or turns all.
    """
    of_source, of_target = _turns(source), _turns(target)
    is_plain = (np.abs(of_source) > _LEAST_AREA).all(axis=1) & (np.abs(of_target) > _LEAST_AREA).all(axis=1)
    agree = (of_source * of_target > 0).sum(axis=1)
    usable: NDArray[np.bool_] = is_plain & ((agree == 0) | (agree == POINTS_OF_A_SAMPLE))
    return usable


def _turns(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return twice the signed areas of the four triples of each sample, ``(b, 4)``."""
    triples = sample[:, [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]]  # (b, 4, 3, 2)
    one, other = triples[:, :, 1] - triples[:, :, 0], triples[:, :, 2] - triples[:, :, 0]
    areas: NDArray[np.float64] = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return areas


def _homographies(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the homography ``(b, 3, 3)`` of each sample ``(b, 4, 2)``, by way of the projective basis."""
    homographies: NDArray[np.float64] = _from_basis(target) @ np.linalg.inv(_from_basis(source))
    return homographies


def _from_basis(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrices ``(b, 3, 3)`` that map the projective basis to the four points of each sample."""
    points = np.concatenate([sample, np.ones((*sample.shape[:2], 1))], axis=2).transpose(0, 2, 1)  # (b, 3, 4)
    first, last = points[:, :, :3], points[:, :, 3:]
    mapped: NDArray[np.float64] = first * np.linalg.solve(first, last).transpose(0, 2, 1)
    return mapped


def _explained(
    homographies: NDArray[np.float64], source: NDArray[np.float64], target: NDArray[np.float64], threshold: float
) -> NDArray[np.bool_]:
    """Return for each homography ``(b, 3, 3)`` which of the n points it maps near to their matches: ``(b, n)``."""
    points = np.concatenate([source, np.ones((len(source), 1))], axis=1).T  # (3, n)
    mapped = homographies @ points  # (b, 3, n)
    depth = mapped[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):  # a point on the horizon is mapped to infinity, and no inlier
        off = np.square(mapped[:, 0] / depth - target[:, 0]) + np.square(mapped[:, 1] / depth - target[:, 1])
        near: NDArray[np.bool_] = off <= threshold**2
    return near


def _samples_needed(share: float, confidence: float) -> int:
    """Return how many samples have one without outliers, with a confidence, if this share of the matches is right."""
    miss = 1 - share**POINTS_OF_A_SAMPLE
    return 1 if miss <= 0 else ceil(log(1 - confidence) / log(miss)) if miss < 1 else 2**31
