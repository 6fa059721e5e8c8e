"""Pictures whose names have an easting and a northing and no UTM zone: points of a plane, anywhere on the Earth.

The downloader of Nordland, AmsterTime and SPED writes these names. Their pictures cannot go into a map that answers
with positions, but their distances from each other can be measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from index_builder.errors import SourceError
from index_builder.sources.listing import LeftOutCode, SourceListing
from index_builder.sources.utm_folder import read_point

PointM = tuple[float, float]
"""Easting and northing in metres."""


@dataclass(frozen=True)
class PlaneListing:
    """Hold pictures and their points.

    Attributes:
        listing: The collection, with its points as places at ``NOWHERE``.
        points_m: Picture id → point.
    """

    listing: SourceListing
    points_m: Mapping[str, PointM]


def in_plane(listing: SourceListing) -> PlaneListing | None:
    """Return a folder's pictures as points of a plane; None if none of their names lacks its zone.

    Raises:
        SourceError: Some are points, and others have a position on the Earth.
    """
    pointed = [left for left in listing.left_out if left.code == LeftOutCode.NO_ZONE]
    if not pointed:
        return None
    if listing.places:
        have = "1 has a position" if len(listing.places) == 1 else f"{len(listing.places):,} have positions"
        raise SourceError(
            f"{listing.root}: {len(pointed):,} pictures have no UTM zone in their names ({pointed[0].path} for one), "
            f"and {have} on the Earth ({listing.places[0].id}): no distance between the two can be measured; ask them "
            "separately, or add the zone"
        )
    read = [read_point(listing.root, left.path) for left in pointed]
    others = tuple(left for left in listing.left_out if left.code != LeftOutCode.NO_ZONE)
    return PlaneListing(
        SourceListing(tuple(place for place, _ in read), others, listing.kind, listing.root),
        {place.id: point_m for place, point_m in read},
    )
