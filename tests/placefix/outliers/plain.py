"""The search for wrong positions, one picture after the other."""

from math import log
from statistics import NormalDist

import numpy as np

from model.geo import distance_m
from placefix.outliers.suspects import FALSE_ALARMS, Limits, OwnMatches, Pictures


def plain_suspects(own: OwnMatches, pictures: Pictures, limits: Limits) -> tuple[dict[int, float], float]:
    """Return row → excess of the suspects, and the threshold."""
    count = len(pictures)
    discredited: set[int] = set()
    while True:
        weights = _weights(own, pictures, limits, discredited)
        excess = [_excess(weights[row], row, pictures, limits) for row in range(count)]
        believed = [excess[row] for row in range(count) if row not in discredited]
        spread = (np.percentile(believed, 75) - np.median(believed)) / NormalDist().inv_cdf(0.75)
        scattered = float(np.median(believed) + NormalDist().inv_cdf(1 - FALSE_ALARMS / len(believed)) * spread)
        threshold = max(scattered, log(len(believed) / FALSE_ALARMS))
        accused = {row for row in range(count) if excess[row] > threshold} - discredited
        if not accused:
            return {row: excess[row] for row in discredited if excess[row] > threshold}, threshold
        discredited |= {
            row
            for row in accused
            if all(excess[row] >= excess[other] for other in accused if weights[row].get(other, 0) > 0)
        }


def _weights(own: OwnMatches, pictures: Pictures, limits: Limits, discredited: set[int]) -> list[dict[int, float]]:
    """Return the weights of each picture's believed candidates, near and far."""
    counts = [_believed(own, row, pictures, limits, discredited) for row in range(len(pictures))]
    near, far = [], []
    for row, of_row in enumerate(counts):
        if row not in discredited:
            near += [matches for other, matches in of_row.items() if _apart_m(pictures, row, other) <= limits.within_m]
            far += [matches for other, matches in of_row.items() if _apart_m(pictures, row, other) >= limits.beyond_m]

    def weight(matches: int) -> float:
        lower = sorted({each for each in own.matches.flat if each <= matches})
        ratios = [
            (sum(each >= level for each in near) / (len(near) + 1))
            / ((sum(each >= level for each in far) + 1) / (len(far) + 1))
            for level in lower
        ]
        return log(max(1.0, *ratios))

    known = {matches: weight(matches) for matches in {each for of_row in counts for each in of_row.values()}}
    return [{other: known[matches] for other, matches in of_row.items()} for of_row in counts]


def _believed(own: OwnMatches, row: int, pictures: Pictures, limits: Limits, discredited: set[int]) -> dict[int, int]:
    """Return candidate → matches, of those that say anything."""
    found: dict[int, int] = {}
    earlier: list[int] = []
    for other, matches in zip(own.rows[row].tolist(), own.matches[row].tolist(), strict=True):
        is_copy = any(
            pictures.contents[each] == pictures.contents[other] and _apart_m(pictures, each, other) <= limits.within_m
            for each in earlier
        )
        earlier.append(other)
        apart_m = _apart_m(pictures, row, other)
        if not is_copy and other not in discredited and not limits.within_m < apart_m < limits.beyond_m:
            found[other] = matches
    return found


def _excess(weights: dict[int, float], row: int, pictures: Pictures, limits: Limits) -> float:
    here = sum(weight for other, weight in weights.items() if _apart_m(pictures, row, other) <= limits.within_m)
    far = {other: weight for other, weight in weights.items() if _apart_m(pictures, row, other) >= limits.beyond_m}
    there = [
        sum(weight for other, weight in far.items() if _apart_m(pictures, other, centre) <= limits.within_m)
        for centre in far
        if far[centre] > 0
    ]
    return max(there, default=0.0) - here


def _apart_m(pictures: Pictures, row: int, other: int) -> float:
    return distance_m(pictures.position(row), pictures.position(other))
