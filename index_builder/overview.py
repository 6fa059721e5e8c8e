"""An overview of collections before a map is built from them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite

import numpy as np

from index_builder.description.extent import BoundingBox, bounding_box
from index_builder.sources.geotag import Remark
from index_builder.sources.listing import SourceListing
from index_builder.suspicions import suspicious_collections, suspicious_positions
from model.spacing import spacing_m
from place_map.left_out import LeftOut


@dataclass(frozen=True)
class LeftOutGroup:
    """Sum up the pictures that are left out for one reason.

    Attributes:
        count: The number of these pictures.
        example: The first of these pictures.
    """

    count: int
    example: LeftOut


@dataclass(frozen=True)
class Overview:
    """Sum up the content of collections.

    Attributes:
        pictures: The number of pictures, left out or not.
        placed: The number of pictures with a position.
        skipped: The number of pictures without a usable position.
        rejected: The number of pictures that cannot be read.
        left_out: The reasons, the most frequent first.
        passed_over: Suffix or name of other or unwanted files → their number.
        remarks: Remark about pictures with positions → the number of these pictures.
        panoramas: The number of pictures with a position that are yet to be cut into views.
        box: The box around the positions; None without positions.
        spacing_m: Median distance from a position to the nearest other one; None if there are fewer than two.
        headings: The number of pictures with a heading.
        dates: The number of pictures with a time.
        first: The earliest time, as the clock at the place showed it; None if no time is known.
        last: The latest time, in the same form.
        suspicions: Sentences about positions that are likely wrong.
    """

    pictures: int
    placed: int
    skipped: int
    rejected: int
    left_out: tuple[LeftOutGroup, ...]
    passed_over: Mapping[str, int]
    remarks: Mapping[Remark, int]
    panoramas: int
    box: BoundingBox | None
    spacing_m: float | None
    headings: int
    dates: int
    first: datetime | None
    last: datetime | None
    suspicions: tuple[str, ...]


def overview_of(listings: Sequence[SourceListing]) -> Overview:
    """Return the overview of several collections together."""
    places = [place for listing in listings for place in listing.places]
    left_out = [entry for listing in listings for entry in listing.left_out]
    examples: dict[str, LeftOut] = {}
    for entry in left_out:
        examples.setdefault(entry.code, entry)
    outcomes = Counter(entry.outcome for entry in left_out)
    latitudes = np.array([place.position.latitude for place in places])
    longitudes = np.array([place.position.longitude for place in places])
    apart_m = spacing_m(latitudes, longitudes) if places else inf
    times = [place.time.replace(tzinfo=None) for place in places if place.time is not None]
    passed_over, remarks = Counter[str](), Counter[Remark]()
    for listing in listings:
        passed_over.update(listing.passed_over)
        remarks.update(listing.remarks)
    return Overview(
        pictures=len(places) + len(left_out),
        placed=len(places),
        skipped=outcomes["skipped"],
        rejected=outcomes["rejected"],
        left_out=tuple(
            LeftOutGroup(count, examples[code])
            for code, count in Counter(entry.code for entry in left_out).most_common()
        ),
        passed_over=passed_over,
        remarks=remarks,
        panoramas=sum(len(listing.panoramas) for listing in listings),
        box=bounding_box(latitudes, longitudes) if places else None,
        spacing_m=apart_m if isfinite(apart_m) else None,
        headings=sum(place.heading_deg is not None for place in places),
        dates=len(times),
        first=min(times, default=None),
        last=max(times, default=None),
        suspicions=(
            *suspicious_positions(places),
            *suspicious_collections({str(listing.root): listing.places for listing in listings}),
        ),
    )
