"""The geotag of a picture in its source: the position, the direction of the camera, and the time."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from model.geo import LatLon
from model.positions import PositionFault, Unplaced

_NOT_SAID = Unplaced(PositionFault.NO_POSITION, "nothing says where it was taken")


class Remark(StrEnum):
    """Name an oddity of a picture that can be placed nevertheless; remarks are counted.

    Attributes:
        DOUBTFUL_POSITION: The stated error of its position is large.
        BESIDE_SYSTEM: Its position lies beside the area where its reference system is used.
        CONTRADICTS_EXIF: Its position in the list is far from the position in its EXIF block.
        MAGNETIC_HEADING: Its heading is from magnetic north, and these headings are not accepted.
        UNREADABLE_HEADING: Its stated heading cannot be read.
        UNREADABLE_TIME: Its stated time cannot be read.
        UNREADABLE_NOTE: XMP or JSON that belongs to it cannot be parsed.
    """

    DOUBTFUL_POSITION = "doubtful_position"
    BESIDE_SYSTEM = "beside_system"
    CONTRADICTS_EXIF = "contradicts_exif"
    MAGNETIC_HEADING = "magnetic_heading"
    UNREADABLE_HEADING = "unreadable_heading"
    UNREADABLE_TIME = "unreadable_time"
    UNREADABLE_NOTE = "unreadable_note"


METRES_PER_DOP = 5.0
"""The error in metres for a dilution of precision of 1: the best that a receiver reaches."""


def unreadable(heading: object, heading_deg: float | None, time: object, taken: datetime | None) -> frozenset[Remark]:
    """Return the remarks on a stated heading and time that cannot be read.

    Args:
        heading: The stated heading; None or empty if there is none.
        heading_deg: The heading that was read from it.
        time: The stated time; None or empty if there is none.
        taken: The time that was read from it.
    """
    nothing: tuple[object, ...] = (None, "", [])
    remarks = []
    if heading not in nothing and heading_deg is None:
        remarks.append(Remark.UNREADABLE_HEADING)
    if time not in nothing and taken is None:
        remarks.append(Remark.UNREADABLE_TIME)
    return frozenset(remarks)


def error_of(stated_m: float | None, dilution: float | None) -> float | None:
    """Return the error of a position in metres: the stated one, else by the dilution of precision."""
    if stated_m is not None and stated_m > 0:
        return stated_m
    return METRES_PER_DOP * dilution if dilution is not None and dilution > 0 else None


@dataclass(frozen=True, slots=True)
class Pose:
    """Hold the attitude of the camera of a panorama.

    Attributes:
        pitch_deg: Angle by which it looked up.
        roll_deg: Angle by which it was turned clockwise around its own axis.
    """

    pitch_deg: float = 0.0
    roll_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Geotag:
    """Hold the statements of one source about a picture.

    Attributes:
        position: The position in WGS84, or the reason why there is none.
        heading_deg: Clockwise from true north, not yet brought into [0, 360); None if unknown.
        magnetic_deg: Clockwise from magnetic north; None if unknown.
        time: The time of the picture; naive if no time zone is stated.
        error_m: The stated error of the position in metres; None if none is stated.
        is_void: Whether the receiver says that it had no fix.
        panorama: The pose of the camera of a panorama; None for other pictures.
        remarks: The oddities of the picture.
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
        """Return whether the position counts; a void position counts only if its error is stated."""
        return isinstance(self.position, LatLon) and not (self.is_void and self.error_m is None)

    def or_else(self, other: "Geotag") -> "Geotag":
        """Return this geotag, with missing values from another one.

        A position takes its error along. If neither has a position, the more specific reason stays.
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
