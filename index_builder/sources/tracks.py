"""GPX tracks: positions with their times."""

import codecs
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import gpxpy
from gpxpy.gpx import GPXException

from index_builder.errors import SourceError
from model.geo import LatLon
from model.positions import PositionFault, Unplaced

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ENCODING = re.compile(rb"""<\?xml[^>]*?\bencoding=["']([A-Za-z][\w.\-]*)["']""")


@dataclass(frozen=True)
class Track:
    """Hold the points of one or several tracks.

    Attributes:
        times_s: Seconds since 1970, ascending, without duplicates.
        points: The position at each time.
    """

    times_s: tuple[float, ...]
    points: tuple[LatLon, ...]

    def position_at(self, time: datetime | None, offset_s: float | None, max_gap_s: float) -> LatLon | Unplaced:
        """Return the position at a time, between the points before and after it.

        Args:
            time: The time of the picture.
            offset_s: Seconds to add to the time; they make a time without a zone one in UTC. With None it is not used.
            max_gap_s: Largest time between the two points.
        """
        if time is None:
            return _nowhere("the track cannot tell where, because the picture does not say when it was taken")
        if time.utcoffset() is None:
            if offset_s is None:
                return _nowhere(
                    "the track cannot tell where, because its time has no time zone: say with --time-offset how many "
                    "seconds have to be added to make it UTC (-7200 in a summer of Central Europe)"
                )
            time = time.replace(tzinfo=UTC)
        at_s = time.timestamp() + (offset_s or 0.0)
        number = bisect_left(self.times_s, at_s)
        if number < len(self.times_s) and self.times_s[number] == at_s:
            return self.points[number]
        if number in (0, len(self.times_s)):
            return _nowhere(f"it was taken at {_clock(at_s)}, and the track goes from {self._span()}")
        before_s, after_s = self.times_s[number - 1], self.times_s[number]
        if after_s - before_s > max_gap_s:
            return _nowhere(
                f"it was taken at {_clock(at_s)}, in a gap of {after_s - before_s:,.0f} s of the track, which is more "
                f"than the {max_gap_s:g} s of --gpx-max-gap-s"
            )
        share = (at_s - before_s) / (after_s - before_s)
        one, other = self.points[number - 1], self.points[number]
        turn_deg = (other.longitude - one.longitude + 180) % 360 - 180  # the short way, over the antimeridian too
        longitude = (one.longitude + share * turn_deg + 180) % 360 - 180
        return LatLon(one.latitude + share * (other.latitude - one.latitude), longitude)

    def _span(self) -> str:
        return f"{_clock(self.times_s[0])} to {_clock(self.times_s[-1])}"


def read_tracks(files: Iterable[Path]) -> Track:
    """Read the tracks of GPX files as one.

    Raises:
        SourceError: A file cannot be read, is not GPX, or has no point with a time.
    """
    found: dict[float, LatLon] = {}
    for file in files:
        points = dict(_points_of(file))
        if not points:
            raise SourceError(
                f"{file} has no track whose points have times: record them, or give another file as --gpx"
            )
        found |= points
    times_s = tuple(sorted(found))
    return Track(times_s, tuple(found[time_s] for time_s in times_s))


def _points_of(file: Path) -> Iterable[tuple[float, LatLon]]:
    try:
        for track in gpxpy.parse(_text_of(file)).tracks:
            for point in (point for segment in track.segments for point in segment.points):
                if point.time is not None:
                    time = point.time if point.time.utcoffset() is not None else point.time.replace(tzinfo=UTC)
                    yield time.timestamp(), LatLon(point.latitude, point.longitude)
    except OSError as error:
        raise SourceError(f"the track {file} cannot be read: {error.strerror}") from error
    except (GPXException, ValueError) as error:
        raise SourceError(f"the track {file} is not GPX, or damaged: {error}") from error


def _text_of(file: Path) -> str:
    """Return the text of a file of XML, in the encoding that it states, or in UTF-8."""
    content = file.read_bytes()
    if content.startswith(_UTF16_MARKS):
        return content.decode("utf-16")
    stated = _ENCODING.match(content)
    try:
        return content.decode(stated[1].decode("ascii") if stated else "utf-8-sig")
    except LookupError as error:
        raise SourceError(f"the track {file} states an encoding that is not known: {error}") from error


def _nowhere(reason: str) -> Unplaced:
    return Unplaced(PositionFault.NO_POSITION, reason)


def _clock(at_s: float) -> str:
    try:
        return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):  # an offset that leads out of the calendar
        return f"{at_s:.0f} s since 1970"
