"""The listing of a collection: pictures with positions, and pictures left out, each with its reason."""

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
"""A function that is called with the number of pictures read so far; at most once per picture."""

EXCLUDED = "--exclude"
"""The key in counts of files that match a pattern of this option."""

NOWHERE = LatLon(0, 0)
"""The position of a picture without one; no distance is measured from it."""


class LeftOutCode(StrEnum):
    """Name the reason why a picture of a collection cannot go into a map; ``ImageError`` has more codes.

    Attributes:
        NO_POSITION: Skipped. The collection does not state its position.
        NULL_ISLAND: Skipped. Its position is 0° N 0° E, which broken receivers write.
        INVALID_POSITION: Skipped. Its position is not a number, 0/0, not a point, or outside of the Earth's degrees.
        NO_HEMISPHERE: Skipped. Its degrees have no north or south, east or west.
        ESTIMATED: Skipped. Its position is an estimate of Placefix, as ``placefix geotag`` writes it.
        NO_ZONE: Skipped. Its UTM metres have no zone number and letter; they occur 120 times on the Earth.
        VOID_FIX: Skipped. The receiver says that it had no fix.
        INACCURATE_POSITION: Skipped. The stated error is larger than is allowed.
        CONTRADICTORY_POSITION: Skipped. It has two positions that lie far apart.
        INVALID_ROW: Skipped. The entry of the list names no picture, or does not have the list's form.
        DUPLICATE: Skipped. The same picture came before.
        INVALID_NAME: Skipped. Its file name is not text (UTF-8).
        PANORAMA: Skipped. It shows all directions at once, which the network cannot use.
        LISTED_ERROR: Skipped. The program that made the list says that it could not process the picture.
        UNREADABLE_FOLDER: Skipped. The folder cannot be listed; its path ends in ``/``.
        MISSING_FILE: Rejected. The file does not exist.
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
"""The names of the kinds of collections."""


@dataclass(frozen=True)
class SourceListing:
    """List all pictures of a collection, in an order that depends only on names.

    Attributes:
        places: Pictures with positions; their ids are unique.
        left_out: The other pictures.
        kind: The kind of the collection.
        root: The folder, or the file that lists pictures.
        options: The options of reading.
        remarks: Remark about pictures with positions → the number of these pictures.
        panoramas: Id of a panorama → the pose of its camera. Panoramas are among the places if they will be cut into
            views, and cannot go into a map before.
        passed_over: Suffix or name of other or unwanted files → their number.
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
        """Return the number of pictures, left out or not."""
        return len(self.places) + len(self.left_out)


def skipped(path: str, why: Unplaced) -> LeftOut:
    """Return the entry of a picture without a usable position."""
    return LeftOut(path, "skipped", why.code, why.reason)


def rejected(path: str, error: ImageError) -> LeftOut:
    """Return the entry of a picture that cannot be read."""
    return LeftOut(path, "rejected", error.code, error.message)
