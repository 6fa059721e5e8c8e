"""Find the position that a photo has already."""

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
    """Hold what a photo and the files beside it say of its position.

    Attributes:
        kind: ``nothing``; ``estimate``, of Placefix; ``position``, of a receiver or of a person; ``unreadable``, where
            it cannot be told.
        reason: Why it cannot be told; empty otherwise.
    """

    kind: Kind
    reason: str = ""


def present_position(photo: Path) -> Present:
    """Look at the head of a photo, and at XMP and Google Takeout beside it."""
    found = read_photo(photo.parent, photo.name)
    if isinstance(found, Place) or found.code == LeftOutCode.VOID_FIX or has_position(photo):
        return Present("position")
    if found.code == LeftOutCode.ESTIMATED or has_estimate(photo):
        return Present("estimate")
    if found.code in (LeftOutCode.NO_POSITION, LeftOutCode.NULL_ISLAND, CorruptExif.code):
        return Present("nothing")
    return Present("unreadable", found.reason)


def has_any_estimate(photo: Path) -> bool:
    """Return whether an estimate stands in a photo, or beside it; also where a position stands there by now."""
    return has_estimate(photo) or has_exif_estimate(photo)


def has_exif_estimate(photo: Path) -> bool:
    """Return whether an estimate stands in the EXIF block of a photo."""
    try:
        found = exif_position(read_exif(photo).get_ifd(ExifTags.IFD.GPSInfo))
    except ImageError:
        return False
    return found == ESTIMATED
