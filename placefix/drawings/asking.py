"""Asks a map with a query, and gathers what a person wants to see of the answer."""

import io

from PIL import Image

from model.geo import LatLon, distance_m, distances_m
from model.images import DEFAULT_LIMITS, ImageLimits
from model.preprocess import open_for, preprocess
from placefix.drawings.queries import Query
from placefix.drawings.results import ShownCandidate, ShownResult, format_metres
from service.localizer import Candidate, Localizer, QueryOptions, encode_queries


def ask(
    query: Query,
    localizer: Localizer,
    options: QueryOptions,
    threshold_m: float,
    limits: ImageLimits = DEFAULT_LIMITS,
) -> ShownResult:
    """Finds a query in a map with the localizer that is served.

    Args:
        query: The picture.
        localizer: Of the map.
        options: What to look for.
        threshold_m: Up to which distance, itself included, a candidate is right.
        limits: What the picture may be like.

    Raises:
        ImageError: The picture cannot be decoded.
        MapCorrupt: A thumbnail of the map is damaged.
    """
    photo = open_for(localizer.preprocessing, query.path, limits)
    [encoded] = encode_queries(localizer.encoder, preprocess(photo, localizer.preprocessing)[None])
    localization = localizer.localize(encoded, options)
    return ShownResult(
        name=query.name,
        photo=photo,
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
