"""Answers of a map to queries, prepared for drawing."""

import io

from PIL import Image

from model.geo import LatLon, distance_m, distances_m
from model.preprocess import open_for
from placefix.asking import AskedMap
from placefix.drawings.queries import Query
from placefix.drawings.results import ShownCandidate, ShownResult, format_metres
from service.localization import Candidate
from service.localizer import Localizer


def answer(query: Query, asked: AskedMap, threshold_m: float) -> ShownResult:
    """Find a query in a map, and gather the data to draw.

    Args:
        query: The picture.
        asked: The map.
        threshold_m: Greatest distance in metres at which a candidate is right.

    Raises:
        ImageError: The picture cannot be decoded.
        MapCorrupt: A thumbnail of the map is damaged.
    """
    localizer, localization = asked.localizer, asked.ask(query.path)
    return ShownResult(
        name=query.name,
        photo=open_for(localizer.preparation, query.path, asked.limits),
        truth=_truth(query.position, localizer, threshold_m),
        candidates=[_shown(candidate, query, localizer, threshold_m) for candidate in localization.candidates],
    )


def _shown(candidate: Candidate, query: Query, localizer: Localizer, threshold_m: float) -> ShownCandidate:
    off_m = None if query.position is None else distance_m(query.position, candidate.position)
    thumbnail = localizer.place_map.thumbnail(candidate.row)
    return ShownCandidate(
        id=candidate.id,
        picture=None if thumbnail is None else Image.open(io.BytesIO(thumbnail)).convert("RGB"),
        off_m=off_m,
        is_right=None if off_m is None else off_m <= threshold_m,
        mutual_matches=candidate.mutual_matches,
        global_distance=candidate.global_distance,
        score=candidate.score,
    )


def _truth(position: LatLon | None, localizer: Localizer, threshold_m: float) -> str:
    places = localizer.place_map.places
    if position is None:
        return "of unknown position"
    if not len(places):
        return "the map is empty"
    nearest_m = float(distances_m(position, places.latitudes, places.longitudes).min())
    if nearest_m > threshold_m:
        return f"not in the map: {format_metres(nearest_m)} away"
    return f"nearest in the map: {format_metres(nearest_m)}"
