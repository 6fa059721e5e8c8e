"""Photographs with a position in the file, as phones and cameras write it, or in a file beside them."""

from pathlib import Path

from index_builder.sources.exif import exif_geotag
from index_builder.sources.geotag import Geotag
from index_builder.sources.listing import rejected, skipped
from index_builder.sources.notes import Notes
from index_builder.sources.rules import Rules
from index_builder.sources.xmp import xmp_geotag
from model.images import read_metadata
from model.picture_errors import ImageError
from model.places import Place
from model.positions import Unplaced
from place_map.left_out import LeftOut


def read_photo(root: Path, relative: str) -> Place | LeftOut:
    """Read position, heading and time of one picture, by the default rules.

    Args:
        root: The collection's folder.
        relative: The picture's POSIX path below it, which becomes its id.
    """
    found = photo_geotag(root, relative, Notes.beside(root / relative), Rules())
    return found if isinstance(found, LeftOut) else as_place(root, relative, found)


def photo_geotag(root: Path, relative: str, notes: Notes, rules: Rules) -> Geotag | LeftOut:
    """Read the geotag of a picture from the picture and its notes; no pixel is decoded.

    Values that its EXIF block lacks are taken from its own XMP, then from XMP beside it, then from Google Takeout. A
    picture with a broken EXIF block and no other position is skipped; a file that is not a picture is rejected.

    Args:
        root: The collection's folder.
        relative: The picture's POSIX path below it.
        notes: The notes of the picture's folder.
        rules: The rules for pictures.
    """
    path, hemisphere = root / relative, rules.options.assume_hemisphere
    try:
        metadata = read_metadata(path)
    except ImageError as error:
        return rejected(relative, error)
    geotag = exif_geotag(metadata.exif, hemisphere)
    if metadata.xmp:
        geotag = geotag.or_else(xmp_geotag(metadata.xmp, hemisphere))
    for note in notes.geotags(path, hemisphere):
        geotag = geotag.or_else(note)
    geotag = rules.settle(geotag)
    if metadata.exif_error is not None and not geotag.is_placed:
        return LeftOut(relative, "skipped", metadata.exif_error.code, metadata.exif_error.message)
    return geotag


def as_place(root: Path, relative: str, geotag: Geotag) -> Place | LeftOut:
    """Return a picture of a folder with its settled geotag."""
    if isinstance(geotag.position, Unplaced):
        return skipped(relative, geotag.position)
    return Place(relative, root / relative, geotag.position, geotag.heading_deg, geotag.time)
