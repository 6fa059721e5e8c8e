"""The rules for pictures, which are the same for every kind of collection."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Self

from index_builder.sources.geotag import Geotag, Remark
from index_builder.sources.headings import compass_deg
from index_builder.sources.listing import LeftOutCode
from index_builder.sources.read_options import ReadOptions
from index_builder.sources.tracks import Track, read_tracks
from model.geo import LatLon
from model.positions import Unplaced

DOUBTFUL_ERROR_M = 25.0
"""A position with a larger error counts as doubtful: an answer farther away counts as wrong."""


@dataclass(frozen=True)
class Rules:
    """Judge geotags by the options, with the tracks that they name.

    Attributes:
        options: The options as they were given.
        track: The track by which photos without a position are placed; None if there is none.
    """

    options: ReadOptions = field(default_factory=ReadOptions)
    track: Track | None = None

    @classmethod
    def of(cls, options: ReadOptions) -> Self:
        """Return the rules for options.

        Raises:
            SourceError: A track cannot be read.
        """
        return cls(options, read_tracks(options.gpx) if options.gpx else None)

    def settle(self, geotag: Geotag) -> Geotag:
        """Return the accepted part of a geotag: its position or the reason why there is none, and its true heading."""
        geotag = self._with_heading(geotag)
        if geotag.panorama is not None and self.options.panoramas == "skip":
            reason = "it is a panorama, which --panoramas views would cut"
            return replace(geotag, position=Unplaced(LeftOutCode.PANORAMA, reason))
        position = self._trusted(geotag)
        if isinstance(position, LatLon):
            is_doubtful = geotag.error_m is not None and geotag.error_m > DOUBTFUL_ERROR_M
            doubt = {Remark.DOUBTFUL_POSITION} if is_doubtful else set()
            return replace(geotag, position=position, remarks=geotag.remarks | doubt)
        if self.track is not None:
            on_track = self.track.position_at(geotag.time, self.options.time_offset_s, self.options.max_gap_s)
            if isinstance(on_track, LatLon):
                return replace(geotag, position=on_track, is_void=False, error_m=None)
            position = Unplaced(position.code, f"{position.reason}; {on_track.reason}")
        return replace(geotag, position=position)

    def is_excluded(self, path: str) -> bool:
        """Return whether a path below a collection, or one of its names, matches a pattern to pass over."""
        return is_excluded(path, self.options.exclude)

    def _trusted(self, geotag: Geotag) -> LatLon | Unplaced:
        most_m = self.options.max_gps_error_m
        if isinstance(geotag.position, Unplaced):
            return geotag.position
        if not geotag.is_placed:
            return Unplaced(
                LeftOutCode.VOID_FIX,
                "its receiver had lost the satellites (GPSStatus is V, void), so it may be anywhere",
            )
        if most_m is not None and geotag.error_m is not None and geotag.error_m > most_m:
            return Unplaced(
                LeftOutCode.INACCURATE_POSITION,
                f"its position may be {geotag.error_m:,.0f} m off, more than the {most_m:g} m of --max-gps-error-m",
            )
        return geotag.position

    def _with_heading(self, geotag: Geotag) -> Geotag:
        if geotag.heading_deg is not None:
            return replace(geotag, heading_deg=compass_deg(geotag.heading_deg))
        if geotag.magnetic_deg is None:
            return geotag
        if self.options.magnetic_headings:
            return replace(geotag, heading_deg=compass_deg(geotag.magnetic_deg))
        return replace(geotag, remarks=geotag.remarks | {Remark.MAGNETIC_HEADING})


def is_excluded(path: str, patterns: Sequence[str]) -> bool:
    """Return whether one of several patterns fits a path.

    A pattern with a slash is compared with the path from its beginning, a pattern without with each name in it. ``*``
    and ``?`` have the meaning of a shell, except that ``*`` may stand for several names.
    """
    path = path.strip("/")
    for pattern in (pattern.strip("/") for pattern in patterns):
        if "/" in pattern:
            if fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern}/*"):
                return True
        elif any(fnmatchcase(name, pattern) for name in path.split("/")):
            return True
    return False
