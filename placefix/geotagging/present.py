"""Where a photo says already that it was taken."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from index_builder.sources.exif_folder import read_exif_picture
from index_builder.sources.listing import LeftOutCode
from model.picture_errors import CorruptExif
from model.places import Place
from placefix.geotagging.xmp_sidecar import has_estimate, has_position

Kind = Literal["nothing", "estimate", "position", "unreadable"]


@dataclass(frozen=True)
class Present:
    """What a photo, and what lies beside it, says of where it was taken.

    Attributes:
        kind: ``nothing``; ``estimate``, of Placefix; ``position``, of a receiver or of a person; ``unreadable``, where
            it cannot be told.
        reason: Why it cannot be told; empty otherwise.
    """

    kind: Kind
    reason: str = ""


def present_position(photo: Path) -> Present:
    """Look at the head of a photo, and at XMP beside it."""
    found = read_exif_picture(photo.parent, photo.name)
    if isinstance(found, Place) or has_position(photo):
        return Present("position")
    if found.code == LeftOutCode.ESTIMATED or has_estimate(photo):
        return Present("estimate")
    if found.code in (LeftOutCode.NO_POSITION, LeftOutCode.NULL_ISLAND, CorruptExif.code):
        return Present("nothing")
    return Present("unreadable", found.reason)


def has_exif_estimate(photo: Path) -> bool:
    """Return whether an estimate stands in the EXIF block of a photo."""
    found = read_exif_picture(photo.parent, photo.name)
    return not isinstance(found, Place) and found.code == LeftOutCode.ESTIMATED
