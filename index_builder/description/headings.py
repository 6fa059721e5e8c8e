"""The directions of the cameras of a map."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index_builder.description.neighbours import have_same_view

DIRECTIONS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")
DIRECTION_DEG = 360 / len(DIRECTIONS)


@dataclass(frozen=True)
class Headings:
    """Count the headings of a map.

    Attributes:
        known: The number of pictures with a heading.
        by_direction: The number of headings in each of ``DIRECTIONS``: ± 11.25° around north, and so on clockwise.
        with_same_view: The number of these pictures with another picture within 25 m and 40°.
    """

    known: int
    by_direction: tuple[int, ...]
    with_same_view: int

    @property
    def same_view_share(self) -> float | None:
        """Return the share of pictures with a heading that have a similar view, in [0, 1]; None without headings."""
        return self.with_same_view / self.known if self.known else None


def summarise_headings(
    latitudes: NDArray[np.float64], longitudes: NDArray[np.float64], headings_deg: NDArray[np.float64]
) -> Headings:
    """Count headings.

    Args:
        latitudes: ``(n,)`` degrees.
        longitudes: ``(n,)`` degrees.
        headings_deg: ``(n,)`` clockwise from true north; NaN if unknown.
    """
    known = headings_deg[np.isfinite(headings_deg)]
    directions = np.floor(known / DIRECTION_DEG + 0.5).astype(np.int64) % len(DIRECTIONS)
    return Headings(
        known=len(known),
        by_direction=tuple(np.bincount(directions, minlength=len(DIRECTIONS)).tolist()),
        with_same_view=int(have_same_view(latitudes, longitudes, headings_deg).sum()),
    )
