"""Hold the options by which collections are read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from model.errors import InvalidInput

DEFAULT_MAX_GAP_S = 60.0

Panoramas = Literal["skip", "views"]
"""Name what becomes of pictures that show all directions at once."""

Side = Literal["database", "query"]
"""Name the two sides of a city of MSLS."""


@dataclass(frozen=True)
class ReadOptions:
    """Hold the options by which collections are read.

    Attributes:
        path_column: The column of a list that names pictures, if it is spelled in none of the accepted ways.
        latitude_column: Likewise that of latitudes.
        longitude_column: Likewise that of longitudes.
        root: Where the pictures of a list lie, if not beside it.
        exclude: Patterns of names, or of paths below the collection, that are passed over.
        max_gps_error_m: Positions that state a larger error are left out; None takes all.
        assume_hemisphere: The hemispheres of positions in photos that state none, as in ``NE``; empty leaves them out.
        magnetic_headings: Whether a heading from magnetic north counts as one from true north.
        gpx: Tracks by which photos without a position are placed, by their time.
        time_offset_s: What is added to the times of photos to make them those of the track; None if times without a
            time zone are not to be used.
        max_gap_s: Between two points of a track that lie farther apart, nothing is placed.
        panoramas: Whether panoramas are left out, or are to be cut into views.
        views_folder: Where views of panoramas are kept; None to cut none, though they are asked for.
        side: Which side of a city of MSLS is read.

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
                f"{self.assume_hemisphere!r} is no pair of hemispheres: NE, NW, SE or SW, as in --assume-hemisphere NE"
            )
        if not self.max_gap_s > 0:
            raise InvalidInput(f"the largest gap of a track is {self.max_gap_s} s; it must be above 0")
        if not self.gpx and (self.time_offset_s is not None or self.max_gap_s != DEFAULT_MAX_GAP_S):
            raise InvalidInput("a time offset and a largest gap are about a track: give --gpx, too")
        if self.root is not None and not self.root.is_dir():
            raise InvalidInput(f"the folder of pictures {self.root} does not exist, or is no folder")

    @property
    def for_lists(self) -> tuple[str, ...]:
        """Return the options that were given and say nothing about a folder of photos."""
        given = {
            "--path-column": self.path_column,
            "--latitude-column": self.latitude_column,
            "--longitude-column": self.longitude_column,
            "--root": self.root,
        }
        return tuple(name for name, value in given.items() if value is not None)

    @property
    def for_tables(self) -> tuple[str, ...]:
        """Return the options that were given and say nothing about what is not a table."""
        return tuple(name for name in self.for_lists if name != "--root")
