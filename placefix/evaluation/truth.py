"""The definitions of a right answer: the pictures of the database that are right for a query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index_builder.sources.plane import PointM
from model.errors import InvalidInput
from model.places import Place
from model.recall import positives_by_frame, positives_in_plane, positives_within


@dataclass(frozen=True)
class NearbyTruth:
    """Accept pictures that were taken nearby.

    Attributes:
        threshold_m: Greatest distance in metres.
        heading_deg: Greatest angle between the cameras in degrees; None accepts any angle.
    """

    threshold_m: float
    heading_deg: float | None

    def __str__(self) -> str:
        """Return the definition for people."""
        angle = "" if self.heading_deg is None else f" and {self.heading_deg:g}°"
        return f"{self.threshold_m:g} m{angle}"

    def positives(self, queries: Sequence[Place], database: Sequence[Place]) -> list[NDArray[np.int64]]:
        """Return the right rows of the database for each query.

        Raises:
            InvalidInput: A threshold is impossible, or an angle is given but no camera's direction is known.
        """
        self._check_headings(queries, database)
        return positives_within(queries, database, self.threshold_m, self.heading_deg)

    def _check_headings(self, queries: Sequence[Place], database: Sequence[Place]) -> None:
        if self.heading_deg is not None:
            for name, places in (("queries", queries), ("database", database)):
                if all(place.heading_deg is None for place in places):
                    raise InvalidInput(
                        f"no picture of the {name} has a heading, so none can be within {self.heading_deg:g}°: leave "
                        "--heading-deg out"
                    )


@dataclass(frozen=True)
class PlaneTruth(NearbyTruth):
    """Accept pictures that were taken nearby, by metres in a plane whose place on the Earth is unknown.

    Attributes:
        query_points_m: Query id → easting and northing.
        database_points_m: Picture id → easting and northing.
    """

    query_points_m: Mapping[str, PointM]
    database_points_m: Mapping[str, PointM]

    def __str__(self) -> str:
        """Return the definition for people."""
        return f"{super().__str__()} in the plane"

    def positives(self, queries: Sequence[Place], database: Sequence[Place]) -> list[NDArray[np.int64]]:
        """Return the right rows of the database for each query.

        Raises:
            InvalidInput: A threshold is impossible, or an angle is given but no camera's direction is known.
        """
        self._check_headings(queries, database)
        points_m = (
            np.array([self.query_points_m[query.id] for query in queries]),
            np.array([self.database_points_m[place.id] for place in database]),
        )
        return positives_in_plane(queries, database, points_m, self.threshold_m, self.heading_deg)


@dataclass(frozen=True)
class FrameTruth:
    """Accept pictures with nearly the same frame number.

    Attributes:
        tolerance: Greatest distance in frames.
        query_frames: Query id → frame number.
        database_frames: Picture id → frame number.
    """

    tolerance: int
    query_frames: Mapping[str, int]
    database_frames: Mapping[str, int]

    def __str__(self) -> str:
        """Return the definition for people."""
        return f"{self.tolerance} frames"

    def positives(self, queries: Sequence[Place], database: Sequence[Place]) -> list[NDArray[np.int64]]:
        """Return the right rows of the database for each query.

        Raises:
            InvalidInput: The tolerance is negative, or the frame number of a picture is not known.
        """
        unknown = [place.id for place in database if place.id not in self.database_frames]
        if unknown:
            raise InvalidInput(
                f"the frame numbers of {len(unknown)} pictures of the database are not known; the first is "
                f"{unknown[0]}: give the CSV file that the map was built from"
            )
        return positives_by_frame(
            [self.query_frames[query.id] for query in queries],
            [self.database_frames[place.id] for place in database],
            self.tolerance,
        )


Truth = NearbyTruth | FrameTruth
