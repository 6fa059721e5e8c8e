"""Recall@N, the field's measure: the share of queries with a right picture among the first N predictions.

The right pictures of a query, its *positives*, are found by position (and heading), or by frame number if two runs
along one route correspond frame by frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import degrees, isfinite

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidInput
from model.geo import EARTH_RADIUS_M, distances_m, turns_deg
from model.places import Place

DEFAULT_RECALL_VALUES = (1, 5, 10, 20)
DEFAULT_THRESHOLD_M = 25.0

_MARGIN_DEG = 1e-9  # 0.1 mm, for the rounding in a step that only narrows the search
_MARGIN_M = 1e-6  # names state centimetres, and the difference of two positions is rounded


@dataclass(frozen=True)
class Recalls:
    """Hold recall at several N.

    Attributes:
        percent: N → share of all queries with a positive among the first N predictions, in [0, 100]; ascending N.
        queries: The number of queries.
        without_positive: The number of queries without a positive in the database. They count as misses.
    """

    percent: Mapping[int, float]
    queries: int
    without_positive: int

    def __str__(self) -> str:
        """Return the line in the field's format: ``R@1: 98.8, R@5: 99.7``."""
        return ", ".join(f"R@{value}: {percent:.1f}" for value, percent in self.percent.items())


def positives_within(
    queries: Sequence[Place],
    database: Sequence[Place],
    threshold_m: float = DEFAULT_THRESHOLD_M,
    heading_deg: float | None = None,
) -> list[NDArray[np.int64]]:
    """Return the pictures of the database near each query.

    Args:
        queries: The places of the queries.
        database: The places of the pictures of the database.
        threshold_m: The greatest distance that counts as near, inclusive.
        heading_deg: The greatest angle between the two cameras, inclusive; None for no limit. A picture with an unknown
            direction is near no other.

    Returns:
        For each query the rows of the database, ascending.

    Raises:
        InvalidInput: A threshold is negative or not a number.
    """
    _check_thresholds(threshold_m, heading_deg)
    latitudes = np.array([place.position.latitude for place in database], dtype=np.float64)
    longitudes = np.array([place.position.longitude for place in database], dtype=np.float64)
    headings = _headings(database)
    # The distance on a sphere is at least that along a meridian, so only a band of latitudes can be near.
    by_latitude = np.argsort(latitudes, kind="stable")
    sorted_latitudes = latitudes[by_latitude]
    band_deg = degrees(threshold_m / EARTH_RADIUS_M) + _MARGIN_DEG
    positives: list[NDArray[np.int64]] = []
    for query, query_heading in zip(queries, _headings(queries), strict=True):
        latitude = query.position.latitude
        first, last = np.searchsorted(sorted_latitudes, [latitude - band_deg, latitude + band_deg])
        rows = np.sort(by_latitude[first:last])
        is_near = distances_m(query.position, latitudes[rows], longitudes[rows]) <= threshold_m
        is_near &= _looks_the_same_way(query_heading, headings[rows], heading_deg)
        positives.append(rows[is_near].astype(np.int64))
    return positives


def positives_in_plane(
    queries: Sequence[Place],
    database: Sequence[Place],
    points_m: tuple[NDArray[np.float64], NDArray[np.float64]],
    threshold_m: float = DEFAULT_THRESHOLD_M,
    heading_deg: float | None = None,
) -> list[NDArray[np.int64]]:
    """Return the pictures of the database near each query, by metres in a plane; see ``positives_within``.

    Args:
        queries: The queries; their positions are not used.
        database: The pictures of the database; their positions are not used.
        points_m: Easting and northing of the queries ``(q, 2)``, and of the pictures of the database ``(n, 2)``.
        threshold_m: The greatest distance that counts as near, inclusive.
        heading_deg: The greatest angle between the two cameras, inclusive; None for no limit.

    Raises:
        InvalidInput: A threshold is negative or not a number.
    """
    _check_thresholds(threshold_m, heading_deg)
    query_points_m, database_points_m = points_m
    headings = _headings(database)
    positives: list[NDArray[np.int64]] = []
    for point_m, query_heading in zip(query_points_m, _headings(queries), strict=True):
        is_near = np.hypot(*(database_points_m - point_m).T) <= threshold_m + _MARGIN_M
        is_near &= _looks_the_same_way(query_heading, headings, heading_deg)
        positives.append(np.flatnonzero(is_near).astype(np.int64))
    return positives


def positives_by_frame(queries: Sequence[int], database: Sequence[int], tolerance: int) -> list[NDArray[np.int64]]:
    """Return the pictures of the database whose frame number is at most ``tolerance`` from each query's.

    Args:
        queries: Frame numbers of the queries.
        database: Frame numbers of the database.
        tolerance: The greatest difference in frames, inclusive.

    Returns:
        For each query the rows of the database, ascending.

    Raises:
        InvalidInput: The tolerance is negative.
    """
    if tolerance < 0:
        raise InvalidInput(f"the tolerance is {tolerance} frames: it must be 0 or more")
    frames = np.array(database, dtype=np.int64)
    return [np.flatnonzero(np.abs(frames - query) <= tolerance).astype(np.int64) for query in queries]


def recalls(
    predictions: Sequence[NDArray[np.int64]],
    positives: Sequence[NDArray[np.int64]],
    values: Sequence[int] = DEFAULT_RECALL_VALUES,
) -> Recalls:
    """Compute recall at each N of ``values``.

    Queries without a positive count as misses. A query with fewer than N predictions uses all of them.

    Args:
        predictions: The predicted rows of each query, best first.
        positives: The right rows of each query.
        values: The numbers N, each at least 1.

    Raises:
        InvalidInput: There is no query, the numbers of predictions and positives differ, or an N is below 1.
    """
    if len(predictions) != len(positives):
        raise InvalidInput(f"there are predictions for {len(predictions)} queries and positives for {len(positives)}")
    if not predictions:
        raise InvalidInput("there is no query, and no recall of nothing")
    if not values or min(values) < 1:
        raise InvalidInput(f"recall is computed at numbers from 1 up, not at {', '.join(map(str, values)) or 'none'}")
    first_hits = np.array([_first_hit(*pair) for pair in zip(predictions, positives, strict=True)])
    return Recalls(
        percent={value: 100 * float(np.mean(first_hits < value)) for value in sorted(set(values))},
        queries=len(predictions),
        without_positive=sum(len(rows) == 0 for rows in positives),
    )


def _check_thresholds(threshold_m: float, heading_deg: float | None) -> None:
    if not isfinite(threshold_m) or threshold_m < 0:
        raise InvalidInput(f"the distance of a positive is {threshold_m} m: it must be a number from 0 up")
    if heading_deg is not None and not 0 <= heading_deg <= 180:
        raise InvalidInput(f"the angle of a positive is {heading_deg}°: it must be in [0, 180]")


def _looks_the_same_way(
    query_heading: float, headings: NDArray[np.float64], heading_deg: float | None
) -> NDArray[np.bool_]:
    """Return for ``(n,)`` headings whether each differs by at most ``heading_deg``; all do if it is None."""
    if heading_deg is None:
        return np.ones(len(headings), dtype=np.bool_)
    return turns_deg(headings, query_heading) <= heading_deg


def _headings(places: Sequence[Place]) -> NDArray[np.float64]:
    """Return headings; NaN for an unknown direction, so that comparisons with it are false."""
    return np.array([np.nan if place.heading_deg is None else place.heading_deg for place in places], dtype=np.float64)


def _first_hit(predicted: NDArray[np.int64], right: NDArray[np.int64]) -> float:
    """Return the rank of the first right prediction, from 0; infinite if there is none."""
    hits = np.flatnonzero(np.isin(predicted, right))
    return float(hits[0]) if len(hits) else float("inf")
