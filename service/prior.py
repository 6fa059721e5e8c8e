"""What is known beforehand about where a photo was taken: a circle, and perhaps which way the camera looked."""

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
    """Where a photo was taken, and which way the camera looked, as far as that is known.

    Only pictures of the map that agree with it may be the answer. They are judged by the same calibration, against as
    many candidates as without a prior: where fewer pictures agree than the shortlist is long, the most similar others
    are compared besides, as rivals. So the prior itself makes no answer surer, and a photo that was not taken in the
    circle does not look sure there for want of rivals. Where enough pictures agree, others are not looked at, and a
    photo that was not taken in the circle may look surer than without a prior.

    Attributes:
        near: Middle of the circle.
        within_m: Its radius; more than 0, at most ``MAX_PRIOR_M``.
        heading_deg: Where the camera looked to, clockwise from true north, in [0, 360]; None if that is not known.
            Pictures of unknown heading do not agree with a known one.
        heading_tolerance_deg: By how much the heading may be wrong, in [0, 180].

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
        """Return the pictures that agree with it, ``(m,)`` rows, ascending."""
        agrees = distances_m(self.near, places.latitudes, places.longitudes) <= self.within_m
        if self.heading_deg is not None:  # a comparison with NaN, an unknown heading, is false
            agrees &= turns_deg(places.headings_deg, self.heading_deg) <= self.heading_tolerance_deg
        return np.flatnonzero(agrees)


@dataclass(frozen=True)
class AskedPrior:
    """The prior of a request, whose circle may be around the position that each photo states itself.

    Attributes:
        near: Middle of the circle, ``LAT,LON``; None if none is given.
        within_m: As ``Prior``; None if it is not given, and so are the next two.
        heading: As ``Prior.heading_deg``.
        heading_tolerance: As ``Prior.heading_tolerance_deg``.
        use_exif_position: Whether the photo's own GPS position is the middle.

    Raises:
        InvalidInput: One of them says nothing without another, or two contradict each other.
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
                    raise InvalidInput(f"{name} says nothing without near or use_exif_position: give one of them, too")
        if self.heading_tolerance is not None and self.heading is None:
            raise InvalidInput("heading_tolerance says nothing without heading: give it, too")
        if self.near is not None:
            self._around(read_position(self.near))  # what is out of its range is told before a photo is read

    def for_photo(self, photo: Path | bytes) -> Prior | None:
        """Return the prior of a photo; None if nothing is known beforehand.

        Raises:
            ImageError: The photo's own position is asked for, and it states none.
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
"""Of photos of which nothing is known beforehand."""


def read_position(text: str) -> LatLon:
    """Read ``LAT,LON`` in degrees.

    Raises:
        InvalidInput: It is something else, or outside of the Earth's degrees.
    """
    try:
        latitude, longitude = (float(part) for part in text.split(","))
        return LatLon(latitude, longitude)
    except ValueError as error:
        raise InvalidInput(
            f"near is {text[:40]!r}: give latitude and longitude in degrees, as 55.7058,13.1932"
        ) from error
