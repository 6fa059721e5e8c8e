"""The search for a position that a photo has already."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import ExifTags

from index_builder.sources.listing import LeftOutCode
from index_builder.sources.photo import read_photo
from model.exif_position import exif_position
from model.images import read_exif
from model.picture_errors import CorruptExif, ImageError
from model.places import Place
from model.positions import ESTIMATED
from placefix.geotagging.xmp_sidecar import has_estimate, has_position

Kind = Literal["nothing", "estimate", "position", "unreadable"]


@dataclass(frozen=True)
class Present:
    """Describe the position in a photo and in the files beside it.

    Attributes:
        kind: ``nothing``; ``estimate``, from Placefix; ``position``, from a receiver or a person; ``unreadable``, if it
            cannot be determined.
        reason: The reason why it cannot be determined; empty otherwise.
    """

    kind: Kind
    reason: str = ""


def present_position(photo: Path) -> Present:
    """Read the position from the head of a photo, and from XMP and Google Takeout beside it."""
    found = read_photo(photo.parent, photo.name)
    if isinstance(found, Place) or found.code == LeftOutCode.VOID_FIX or has_position(photo):
        return Present("position")
    if found.code == LeftOutCode.ESTIMATED or has_estimate(photo):
        return Present("estimate")
    if found.code in (LeftOutCode.NO_POSITION, LeftOutCode.NULL_ISLAND, CorruptExif.code):
        return Present("nothing")
    return Present("unreadable", found.reason)


def has_any_estimate(photo: Path) -> bool:
    """Return whether a photo, or a file beside it, has an estimate, even if it also has a position."""
    return has_estimate(photo) or has_exif_estimate(photo)


def has_exif_estimate(photo: Path) -> bool:
    """Return whether the EXIF block of a photo has an estimate."""
    try:
        found = exif_position(read_exif(photo).get_ifd(ExifTags.IFD.GPSInfo))
    except ImageError:
        return False
    return found == ESTIMATED
