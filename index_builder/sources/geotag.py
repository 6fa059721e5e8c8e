"""Describe a picture as its source does: where it was taken, which way the camera looked, and when."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from model.geo import LatLon
from model.positions import PositionFault, Unplaced

_NOT_SAID = Unplaced(PositionFault.NO_POSITION, "nothing says where it was taken")


class Remark(StrEnum):
    """Name an oddity of a picture that can be placed all the same; remarks are counted.

    Attributes:
        DOUBTFUL_POSITION: The stated error of its position is large.
        CONTRADICTS_EXIF: The list that names it places it far from where its own EXIF block says.
        MAGNETIC_HEADING: Its heading is one of the compass, and was not asked for.
        UNREADABLE_HEADING: Something stands where the heading ought to, and is none.
        UNREADABLE_TIME: Likewise where the time ought to.
        UNREADABLE_NOTE: XMP or JSON that belongs to it cannot be parsed.
    """

    DOUBTFUL_POSITION = "doubtful_position"
    CONTRADICTS_EXIF = "contradicts_exif"
    MAGNETIC_HEADING = "magnetic_heading"
    UNREADABLE_HEADING = "unreadable_heading"
    UNREADABLE_TIME = "unreadable_time"
    UNREADABLE_NOTE = "unreadable_note"


METRES_PER_DOP = 5.0
"""A dilution of precision of 1 stands for about so many metres, which is what a receiver reaches at best."""


def unreadable(heading: object, heading_deg: float | None, time: object, taken: datetime | None) -> frozenset[Remark]:
    """Return the remarks on what is said of a heading and of a time, and cannot be read.

    Args:
        heading: What is said; None or something empty for nothing.
        heading_deg: What that means.
        time: As ``heading``.
        taken: What that means.
    """
    nothing: tuple[object, ...] = (None, "", [])
    remarks = []
    if heading not in nothing and heading_deg is None:
        remarks.append(Remark.UNREADABLE_HEADING)
    if time not in nothing and taken is None:
        remarks.append(Remark.UNREADABLE_TIME)
    return frozenset(remarks)


def error_of(stated_m: float | None, dilution: float | None) -> float | None:
    """Return how far off a position may be, in metres: as is stated, else by the dilution of precision."""
    if stated_m is not None and stated_m > 0:
        return stated_m
    return METRES_PER_DOP * dilution if dilution is not None and dilution > 0 else None


@dataclass(frozen=True, slots=True)
class Pose:
    """Hold the attitude of the camera of a panorama.

    Attributes:
        pitch_deg: How far it looked up.
        roll_deg: How far it was turned clockwise around its own axis.
    """

    pitch_deg: float = 0.0
    roll_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Geotag:
    """Hold what one source says of a picture.

    Attributes:
        position: WGS84; or why there is none.
        heading_deg: Clockwise from true north, not yet brought into [0, 360); None if unknown.
        magnetic_deg: The same from magnetic north.
        time: When it was taken; naive where no time zone is stated.
        error_m: How far off the position may be, as stated; None if that is not said.
        is_void: Whether the receiver says that it had no fix.
        panorama: How its camera was held, if it shows all directions at once; None for other pictures.
        remarks: What is odd about it.
    """

    position: LatLon | Unplaced = _NOT_SAID
    heading_deg: float | None = None
    magnetic_deg: float | None = None
    time: datetime | None = None
    error_m: float | None = None
    is_void: bool = False
    panorama: Pose | None = None
    remarks: frozenset[Remark] = frozenset()

    @property
    def is_placed(self) -> bool:
        """Return whether a position counts: a void one does only if its error is stated."""
        return isinstance(self.position, LatLon) and not (self.is_void and self.error_m is None)

    def or_else(self, other: "Geotag") -> "Geotag":
        """Return this geotag with what it lacks from another one.

        A position takes its error along. Of two reasons why there is none, the one stays that says more.
        """
        says_nothing = isinstance(self.position, Unplaced) and self.position.code == PositionFault.NO_POSITION
        taken = other if not self.is_placed and (other.is_placed or says_nothing) else self
        return replace(
            taken,
            heading_deg=other.heading_deg if self.heading_deg is None else self.heading_deg,
            magnetic_deg=other.magnetic_deg if self.magnetic_deg is None else self.magnetic_deg,
            time=other.time if self.time is None else self.time,
            panorama=other.panorama if self.panorama is None else self.panorama,
            remarks=self.remarks | other.remarks,
        )
