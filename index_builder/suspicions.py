"""Positions that are likely wrong, judged by the positions of the other pictures."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from index_builder.description.neighbours import nearest_distances_m
from model.geo import LatLon, distances_m
from model.places import Place

FAR_M = 1_000_000.0
"""A picture is reported if it lies farther than this from all others."""
NEAR_M = 50_000.0
"""A mistake explains a position if undoing it moves the picture at least this near to another."""

_FEWEST = 4
_MOST_SHARE = 0.25  # positions that a larger share of pictures has are not a mistake
_MOST_LOOKED_AT = 1000


def suspicious_positions(places: Sequence[Place]) -> tuple[str, ...]:
    """Return sentences about positions that are likely wrong: swapped, in a wrong hemisphere, or far from all others.

    Args:
        places: The pictures of all collections together.
    """
    if len(places) < _FEWEST:
        return ()
    latitudes, longitudes = _degrees_of(places)
    far = distances_m(_middle(latitudes, longitudes), latitudes, longitudes) > FAR_M
    most = _MOST_SHARE * len(places)
    found: defaultdict[str, list[Place]] = defaultdict(list)
    if 0 < far.sum() <= most:
        for row in np.flatnonzero(far)[:_MOST_LOOKED_AT].tolist():
            mistake = _mistake(places[row].position, latitudes[~far], longitudes[~far])
            if mistake is not None:
                found[mistake].append(places[row])
    explained = {place.id for alike in found.values() for place in alike}
    nearest_m = nearest_distances_m(latitudes, longitudes)
    alone = [row for row in np.flatnonzero(nearest_m > FAR_M).tolist() if places[row].id not in explained]
    sentences = [_told(alike, mistake) for mistake, alike in found.items()]
    if len(alone) <= most:
        sentences += [
            f"{places[row].id} ({_degrees(places[row].position)}) lies {nearest_m[row] / 1000:,.0f} km from all others"
            for row in alone[:3]
        ]
    return tuple(sentences)


def suspicious_collections(collections: Mapping[str, Sequence[Place]]) -> tuple[str, ...]:
    """Return sentences about collections far from the others that lie near them if a mistake is undone.

    Args:
        collections: Name → pictures. A mistake that all collections share, or one in a single collection, is not found.
    """
    degrees = {name: _degrees_of(places) for name, places in collections.items() if places}
    total = sum(len(latitudes) for latitudes, _ in degrees.values())
    sentences: list[str] = []
    for name, (latitudes, longitudes) in degrees.items():
        others = [each for other, each in degrees.items() if other != name]
        is_smaller = 2 * len(latitudes) < total or (2 * len(latitudes) == total and name != next(iter(degrees)))
        if not others or not is_smaller:
            continue
        other_latitudes, other_longitudes = (np.concatenate(each) for each in zip(*others, strict=True))
        middle = _middle(latitudes, longitudes)
        if distances_m(middle, other_latitudes, other_longitudes).min() <= FAR_M:
            continue
        mistake = _mistake(middle, other_latitudes, other_longitudes)
        if mistake is not None:
            sentences.append(f"all of {name} ({_degrees(middle)}) seems to have {mistake}, or all else has")
    return tuple(sentences)


def _degrees_of(places: Sequence[Place]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``(n,)`` latitudes and ``(n,)`` longitudes."""
    return (
        np.array([place.position.latitude for place in places]),
        np.array([place.position.longitude for place in places]),
    )


def _middle(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> LatLon:
    """Return the medians of latitude and longitude; longitudes are counted from the first, across the antimeridian."""
    turns = (longitudes - longitudes[0] + 180) % 360 - 180
    return LatLon(float(np.median(latitudes)), float((longitudes[0] + np.median(turns) + 180) % 360 - 180))


def _mistake(position: LatLon, latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> str | None:
    """Return the mistake that brings a position near others when it is undone."""
    latitude, longitude = position.latitude, position.longitude
    undone = {
        "latitude and longitude swapped": (longitude, latitude),
        "north and south confused": (-latitude, longitude),
        "east and west confused": (latitude, -longitude),
        "both hemispheres confused": (-latitude, -longitude),
    }
    for mistake, (north, east) in undone.items():
        if abs(north) <= 90 and distances_m(LatLon(north, east), latitudes, longitudes).min() <= NEAR_M:
            return mistake
    return None


def _told(alike: Sequence[Place], mistake: str) -> str:
    first = alike[0]
    more = f" and {len(alike) - 1:,} more seem" if len(alike) > 1 else " seems"
    return f"{first.id} ({_degrees(first.position)}){more} to have {mistake}"


def _degrees(position: LatLon) -> str:
    return f"{position.latitude:.4f}, {position.longitude:.4f}"
