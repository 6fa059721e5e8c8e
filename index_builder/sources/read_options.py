"""The options by which collections are read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from model.errors import InvalidInput

DEFAULT_MAX_GAP_S = 60.0

Panoramas = Literal["skip", "views"]
"""The treatment of pictures that show all directions at once."""

Side = Literal["database", "query"]
"""The two sides of a city of MSLS."""


@dataclass(frozen=True)
class ReadOptions:
    """Hold the options by which collections are read.

    Attributes:
        path_column: The column of a list that names pictures, if it has none of the accepted spellings.
        latitude_column: The column of latitudes, if it has none of the accepted spellings.
        longitude_column: The column of longitudes, if it has none of the accepted spellings.
        root: The folder of the pictures of a list, if they do not lie beside it.
        exclude: Patterns of names, or of paths below the collection, that are passed over.
        max_gps_error_m: Positions that state a larger error are left out; None takes all.
        assume_hemisphere: The hemispheres of positions in photos that state none, as in ``NE``; empty leaves them out.
        magnetic_headings: Whether a heading from magnetic north counts as one from true north.
        gpx: Tracks by which photos without a position are placed, by their time.
        time_offset_s: The seconds to add to the times of photos to make them times of the track; None excludes times
            without a time zone.
        max_gap_s: Largest gap in seconds between two points of a track in which photos are placed.
        panoramas: Whether panoramas are left out, or cut into views.
        views_folder: The folder for views of panoramas; None cuts none, even if they are requested.
        side: The side of a city of MSLS that is read.

    Raises:
        InvalidInput: A value is out of its range.
    """

    path_column: str | None = None
    latitude_column: str | None = None
    longitude_column: str | None = None
    root: Path | None = None
    exclude: tuple[str, ...] = ()
    max_gps_error_m: float | None = None
    assume_hemisphere: str = ""
    magnetic_headings: bool = False
    gpx: tuple[Path, ...] = ()
    time_offset_s: float | None = None
    max_gap_s: float = DEFAULT_MAX_GAP_S
    panoramas: Panoramas = "skip"
    views_folder: Path | None = field(default=None, compare=False, repr=False)
    side: Side = "database"

    def __post_init__(self) -> None:
        if self.max_gps_error_m is not None and not self.max_gps_error_m > 0:
            raise InvalidInput(f"the largest error of a position is {self.max_gps_error_m} m; it must be above 0")
        if self.assume_hemisphere and self.assume_hemisphere not in ("NE", "NW", "SE", "SW"):
            raise InvalidInput(
                f"{self.assume_hemisphere!r} is not a pair of hemispheres: NE, NW, SE or SW, as in "
                "--assume-hemisphere NE"
            )
        if not self.max_gap_s > 0:
            raise InvalidInput(f"the largest gap of a track is {self.max_gap_s} s; it must be above 0")
        if not self.gpx and (self.time_offset_s is not None or self.max_gap_s != DEFAULT_MAX_GAP_S):
            raise InvalidInput("a time offset and a largest gap are about a track: give --gpx, too")
        if self.root is not None and not self.root.is_dir():
            raise InvalidInput(f"the folder of pictures {self.root} does not exist, or is not a folder")

    @property
    def for_lists(self) -> tuple[str, ...]:
        """Return the given options that do not apply to a folder of photos."""
        given = {
            "--path-column": self.path_column,
            "--latitude-column": self.latitude_column,
            "--longitude-column": self.longitude_column,
            "--root": self.root,
        }
        return tuple(name for name, value in given.items() if value is not None)

    @property
    def for_tables(self) -> tuple[str, ...]:
        """Return the given options that apply only to a table."""
        return tuple(name for name in self.for_lists if name != "--root")
