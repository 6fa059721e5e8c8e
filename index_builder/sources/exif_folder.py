"""Photographs that carry their own position, as phones and cameras write it."""

from pathlib import Path

from PIL import ExifTags

from index_builder.sources.exif_gps import exif_heading_deg, exif_time
from index_builder.sources.listing import rejected, skipped
from model.exif_position import exif_position
from model.images import read_exif
from model.picture_errors import CorruptExif, ImageError
from model.places import Place
from model.positions import Unplaced
from place_map.left_out import LeftOut


def read_exif_picture(root: Path, relative: str) -> Place | LeftOut:
    """Reads position, heading and time from a picture's EXIF block; no pixel is decoded.

    A picture with a broken EXIF block is skipped, for want of a position; one that is no picture is rejected.

    Args:
        root: The collection's folder.
        relative: The picture's POSIX path below it, which becomes its id.
    """
    path = root / relative
    try:
        exif = read_exif(path)
    except CorruptExif as error:
        return LeftOut(relative, "skipped", error.code, error.message)
    except ImageError as error:
        return rejected(relative, error)
    gps, camera = exif.get_ifd(ExifTags.IFD.GPSInfo), exif.get_ifd(ExifTags.IFD.Exif)
    position = exif_position(gps)
    if isinstance(position, Unplaced):
        return skipped(relative, position)
    return Place(relative, path, position, exif_heading_deg(gps), exif_time(gps, camera))
