"""Limit the answers by prior knowledge of a photo: a circle, and perhaps the direction of the camera."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidInput
from model.exif_position import read_exif_position
from model.geo import LatLon, distances_m, turns_deg
from model.picture_errors import NoExifPosition
from place_map.place_table import PlaceTable

DEFAULT_PRIOR_M = 500.0
MAX_PRIOR_M = 100_000.0
DEFAULT_HEADING_TOLERANCE_DEG = 45.0


@dataclass(frozen=True)
class Prior:
    """Limit where a photo was taken, and which way the camera looked, as far as that is known.

    Only pictures of the map that agree with the prior may be the answer. Calibration and number of candidates are the
    same as without a prior: if fewer pictures agree than the shortlist holds, the most similar other pictures fill it
    up as rivals. So the prior itself makes no answer surer, and a photo from outside the circle does not look sure for
    lack of rivals. If the pictures that agree fill the shortlist, no others are compared, and a photo from outside the
    circle may look surer than without a prior.

    Attributes:
        near: The middle of the circle.
        within_m: The radius of the circle; more than 0, at most ``MAX_PRIOR_M``.
        heading_deg: The direction of the camera, clockwise from true north, in [0, 360]; None if unknown.
            Pictures of unknown heading do not agree with a known one.
        heading_tolerance_deg: The largest error of the heading, in [0, 180].

    Raises:
        InvalidInput: A number is out of its range.
    """

    near: LatLon
    within_m: float = DEFAULT_PRIOR_M
    heading_deg: float | None = None
    heading_tolerance_deg: float = DEFAULT_HEADING_TOLERANCE_DEG

    def __post_init__(self) -> None:
        if not 0 < self.within_m <= MAX_PRIOR_M:
            raise InvalidInput(f"within_m must be more than 0 and at most {MAX_PRIOR_M:g}, not {self.within_m}")
        if self.heading_deg is not None and not 0 <= self.heading_deg <= 360:
            raise InvalidInput(f"heading must be between 0 and 360 degrees, not {self.heading_deg}")
        if not 0 <= self.heading_tolerance_deg <= 180:
            raise InvalidInput(f"heading_tolerance must be between 0 and 180 degrees, not {self.heading_tolerance_deg}")

    def rows(self, places: PlaceTable) -> NDArray[np.int64]:
        """Return the rows ``(m,)`` of the pictures that agree with the prior, ascending."""
        agrees = distances_m(self.near, places.latitudes, places.longitudes) <= self.within_m
        if self.heading_deg is not None:  # a comparison with NaN, an unknown heading, is false
            agrees &= turns_deg(places.headings_deg, self.heading_deg) <= self.heading_tolerance_deg
        return np.flatnonzero(agrees)


@dataclass(frozen=True)
class AskedPrior:
    """Hold the prior of a request, around one position or around the position that each photo states itself.

    None stands for a value that the request leaves open.

    Attributes:
        near: The middle of the circle, ``LAT,LON``.
        within_m: The same as ``Prior.within_m``.
        heading: The same as ``Prior.heading_deg``.
        heading_tolerance: The same as ``Prior.heading_tolerance_deg``.
        use_exif_position: Whether the photo's own GPS position is the middle of the circle.

    Raises:
        InvalidInput: A value is given without another that it needs, two contradict each other, or a number beside
            ``near`` is out of its range.
    """

    near: str | None = None
    within_m: float | None = None
    heading: float | None = None
    heading_tolerance: float | None = None
    use_exif_position: bool = False

    def __post_init__(self) -> None:
        if self.near is not None and self.use_exif_position:
            raise InvalidInput("near and use_exif_position both say where the circle is: give one of them")
        if self.near is None and not self.use_exif_position:
            for name in ("within_m", "heading", "heading_tolerance"):
                if getattr(self, name) is not None:
                    raise InvalidInput(f"{name} has no effect without near or use_exif_position: give one of them, too")
        if self.heading_tolerance is not None and self.heading is None:
            raise InvalidInput("heading_tolerance has no effect without heading: give it, too")
        if self.near is not None:
            self._around(read_position(self.near))  # a number out of its range is an error before a photo is read

    def for_photo(self, photo: Path | bytes) -> Prior | None:
        """Return the prior of a photo; None if nothing is known before the query.

        Raises:
            ImageError: The photo's own position is asked for, and it states none.
            InvalidInput: A number beside ``use_exif_position`` is out of its range.
        """
        if self.use_exif_position:
            try:
                return self._around(read_exif_position(photo))
            except NoExifPosition as error:
                advice = "leave use_exif_position out, or give near instead"
                raise NoExifPosition(f"{error.message}: {advice}") from error
        return None if self.near is None else self._around(read_position(self.near))

    def _around(self, near: LatLon) -> Prior:
        return Prior(
            near,
            DEFAULT_PRIOR_M if self.within_m is None else self.within_m,
            self.heading,
            DEFAULT_HEADING_TOLERANCE_DEG if self.heading_tolerance is None else self.heading_tolerance,
        )


NOTHING_KNOWN = AskedPrior()
"""The prior of photos about which nothing is known before the query."""


def read_position(text: str) -> LatLon:
    """Read ``LAT,LON`` in degrees.

    Raises:
        InvalidInput: The text is not a position, or a number is out of its range.
    """
    try:
        latitude, longitude = (float(part) for part in text.split(","))
        return LatLon(latitude, longitude)
    except ValueError as error:
        raise InvalidInput(
            f"near is {text[:40]!r}: give latitude and longitude in degrees, such as 55.7058,13.1932"
        ) from error
