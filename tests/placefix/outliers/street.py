"""Streets of pictures that match the more, the nearer they were taken."""

import numpy as np
from numpy.typing import NDArray

from model.geo import EARTH_RADIUS_M
from placefix.outliers.suspects import OwnMatches, Pictures

NOISE = 20
"""Matches of two pictures that show different places, as a rule."""


def street(count: int, spacing_m: float = 10.0, latitude: float = 55.0, longitude: float = 13.0) -> Pictures:
    """Write pictures on a line to the north."""
    metres = np.arange(count) * spacing_m
    return Pictures(
        latitude + np.degrees(metres / EARTH_RADIUS_M),
        np.full(count, longitude),
        np.arange(count),
    )


def matches_along(count: int, candidates: int = 10, seed: int = 0, repeats_after: int | None = None) -> OwnMatches:
    """Return the matches of the pictures of a street: 200 with the next one, fewer with those after it.

    Args:
        count: Pictures.
        candidates: The number of candidates of each; those with most matches.
        seed: The seed of the noise.
        repeats_after: After this many pictures the street looks the same again; None if it never does.
    """
    random = np.random.default_rng(seed)
    apart = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    if repeats_after is not None:
        apart = np.minimum(apart % repeats_after, -apart % repeats_after)
    mean = NOISE + 180 * np.clip(1.25 - apart / 4, 0, 1)
    matches: NDArray[np.int64] = random.poisson(mean)
    np.fill_diagonal(matches, -1)
    rows = np.argsort(-matches, axis=1, kind="stable")[:, :candidates]
    return OwnMatches(rows, np.take_along_axis(matches, rows, axis=1))


def moved(pictures: Pictures, to: dict[int, int]) -> Pictures:
    """Return the pictures, some of them at the positions of others."""
    latitudes, longitudes = pictures.latitudes.copy(), pictures.longitudes.copy()
    for row, target in to.items():
        latitudes[row], longitudes[row] = pictures.latitudes[target], pictures.longitudes[target]
    return Pictures(latitudes, longitudes, pictures.contents)
