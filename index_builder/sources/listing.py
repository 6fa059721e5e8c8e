"""What a collection holds: pictures with positions, and pictures left out, each with its reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from index_builder.sources.geotag import Pose, Remark
from index_builder.sources.read_options import ReadOptions
from model.geo import LatLon
from model.picture_errors import ImageError
from model.places import Place
from model.positions import PositionFault, Unplaced
from place_map.left_out import LeftOut

OnProgress = Callable[[int], None]
"""Called with the number of pictures looked at so far; never more than once per picture."""

EXCLUDED = "--exclude"
"""Stands in the count of what is passed over for what a pattern of that option fits."""

NOWHERE = LatLon(0, 0)
"""Stands for the position of a picture that has none; nothing is measured from it."""


class LeftOutCode(StrEnum):
    """Why a picture of a collection cannot go into a map; beside these stand the codes of ``ImageError``.

    Attributes:
        NO_POSITION: Skipped. The collection does not say where it was taken.
        NULL_ISLAND: Skipped. Its position is 0° N 0° E, which is what broken receivers write.
        INVALID_POSITION: Skipped. Its position is no number, 0/0, no point, or outside of the Earth's degrees.
        NO_HEMISPHERE: Skipped. Degrees without north or south, east or west.
        ESTIMATED: Skipped. Its position is an estimate of Placefix, as ``placefix geotag`` writes it.
        NO_ZONE: Skipped. UTM metres without zone number and letter, which occur 120 times on the Earth.
        VOID_FIX: Skipped. The receiver says that it had no fix.
        INACCURATE_POSITION: Skipped. The stated error is larger than was allowed.
        CONTRADICTORY_POSITION: Skipped. Two positions are given that lie far apart.
        INVALID_ROW: Skipped. An entry of a list that names no picture, or does not have the list's form.
        DUPLICATE: Skipped. The same picture came before.
        INVALID_NAME: Skipped. A file name that is not text (UTF-8).
        PANORAMA: Skipped. All directions at once, which the network does not know.
        LISTED_ERROR: Skipped. The program that made the list says that it could not process the picture.
        UNREADABLE_FOLDER: Skipped. A folder that cannot be listed; its path ends in ``/``.
        MISSING_FILE: Rejected. There is no such file.
    """

    NO_POSITION = PositionFault.NO_POSITION
    NULL_ISLAND = PositionFault.NULL_ISLAND
    INVALID_POSITION = PositionFault.INVALID_POSITION
    NO_HEMISPHERE = PositionFault.NO_HEMISPHERE
    ESTIMATED = PositionFault.ESTIMATED
    NO_ZONE = "no_zone"
    VOID_FIX = "void_fix"
    INACCURATE_POSITION = "inaccurate_position"
    CONTRADICTORY_POSITION = "contradictory_position"
    INVALID_ROW = "invalid_row"
    DUPLICATE = "duplicate"
    INVALID_NAME = "invalid_name"
    PANORAMA = "panorama"
    LISTED_ERROR = "listed_error"
    UNREADABLE_FOLDER = "unreadable_folder"
    MISSING_FILE = "missing_file"


ListingKind = Literal[
    "exif folder",
    "utm folder",
    "csv",
    "exiftool",
    "geo.txt",
    "msls",
    "frames",
    "mapillary api",
    "mapillary_tools",
    "geojson",
    "stac",
]
"""Name the kinds of collections, as their readers call them."""


@dataclass(frozen=True)
class SourceListing:
    """All pictures of a collection, in an order that depends on names alone.

    Attributes:
        places: Pictures with positions; their ids are unique.
        left_out: The others.
        kind: Which reader has read it.
        root: What was read: a folder or a file that lists pictures.
        options: How it was read.
        remarks: What is odd about pictures with positions → of how many.
        panoramas: Id of a picture that shows all directions → how its camera was held. Such pictures are among the
            places where they are to be cut into views, and cannot go into a map before they are.
        passed_over: What is no picture, or was not wanted, by suffix or name → how many.
    """

    places: tuple[Place, ...]
    left_out: tuple[LeftOut, ...]
    kind: ListingKind
    root: Path
    options: ReadOptions = field(default_factory=ReadOptions)
    remarks: Mapping[Remark, int] = field(default_factory=dict)
    passed_over: Mapping[str, int] = field(default_factory=dict)
    panoramas: Mapping[str, Pose] = field(default_factory=dict)

    def __len__(self) -> int:
        """The number of pictures, left out or not."""
        return len(self.places) + len(self.left_out)


def skipped(path: str, why: Unplaced) -> LeftOut:
    """A picture without a usable position."""
    return LeftOut(path, "skipped", why.code, why.reason)


def rejected(path: str, error: ImageError) -> LeftOut:
    """A picture that cannot be read."""
    return LeftOut(path, "rejected", error.code, error.message)
