"""Read the direction of the camera and the time from the EXIF block of a photograph.

``model.exif_position`` says where.
"""

from datetime import UTC, datetime, timedelta

from PIL import ExifTags

from index_builder.sources.listing import compass_deg
from index_builder.sources.times import parse_time
from model.exif_position import Directory, number_of, text_of


def exif_heading_deg(gps: Directory) -> float | None:
    """Where the camera looked, clockwise from true north, in [0, 360).

    What is marked as magnetic north does not count: it is up to tens of degrees off, by an amount that the block does
    not say. Where the mark is missing, true north is meant, as other programs read it.
    """
    heading_deg = number_of(gps.get(ExifTags.GPS.GPSImgDirection))
    if heading_deg is None or text_of(gps.get(ExifTags.GPS.GPSImgDirectionRef))[:1].upper() not in ("T", ""):
        return None
    return compass_deg(heading_deg)


def exif_time(gps: Directory, camera: Directory) -> datetime | None:
    """The satellites' time (UTC) if it is there, else the camera's, with its time zone if it states one."""
    satellite_time = _satellite_time(text_of(gps.get(ExifTags.GPS.GPSDateStamp)), gps.get(ExifTags.GPS.GPSTimeStamp))
    if satellite_time is not None:
        return satellite_time
    taken = text_of(camera.get(ExifTags.Base.DateTimeOriginal))
    zone = text_of(camera.get(ExifTags.Base.OffsetTimeOriginal))
    return parse_time(taken + zone) or parse_time(taken)


def _satellite_time(date: str, clock: object) -> datetime | None:
    """The day, and hours, minutes and seconds since its midnight."""
    midnight = parse_time(date)
    if midnight is None or not isinstance(clock, tuple) or len(clock) != 3:
        return None
    hours, minutes, seconds = (number_of(part) for part in clock)
    if hours is None or minutes is None or seconds is None:
        return None
    since_midnight_s = hours * 3600 + minutes * 60 + seconds
    if not 0 <= since_midnight_s < 86_401:  # the longest day has a leap second
        return None
    try:
        return midnight.replace(tzinfo=UTC) + timedelta(seconds=since_midnight_s)
    except OverflowError:  # the last day of the year 9999
        return None
