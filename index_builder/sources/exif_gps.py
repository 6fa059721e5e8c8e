"""What the EXIF block of a photograph says about where it was taken, which way and when.

The functions take the block's directories as Pillow parses them: tag number to number, tuple, text or bytes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import SupportsFloat

from PIL import ExifTags

from index_builder.sources.listing import LeftOutCode, Unplaced, checked_position, compass_deg
from index_builder.sources.times import parse_time
from model.geo import LatLon

Directory = Mapping[int, object]


def exif_position(gps: Directory) -> LatLon | Unplaced:
    """The position of the GPS directory.

    Degrees, minutes and seconds may be given as one, two or three numbers. South and west are negative; a negative
    number without a hemisphere is taken as it stands, a positive one is not guessed at.
    """
    values = gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLongitude)
    if values[0] is None or values[1] is None:
        return Unplaced(LeftOutCode.NO_POSITION, "its EXIF block has no GPS position")
    latitude, longitude = _degrees(values[0]), _degrees(values[1])
    if latitude is None or longitude is None:
        return Unplaced(LeftOutCode.INVALID_POSITION, f"its GPS position is not a number: {values[0]}, {values[1]}")
    if latitude == longitude == 0:
        return checked_position(0.0, 0.0)
    signed_latitude = _signed(latitude, _text(gps.get(ExifTags.GPS.GPSLatitudeRef)), "N", "S")
    signed_longitude = _signed(longitude, _text(gps.get(ExifTags.GPS.GPSLongitudeRef)), "E", "W")
    if isinstance(signed_latitude, Unplaced):
        return signed_latitude
    if isinstance(signed_longitude, Unplaced):
        return signed_longitude
    return checked_position(signed_latitude, signed_longitude)


def exif_heading_deg(gps: Directory) -> float | None:
    """Where the camera looked, clockwise from true north, in [0, 360).

    What is marked as magnetic north does not count: it is up to tens of degrees off, by an amount that the block does
    not say. Where the mark is missing, true north is meant, as other programs read it.
    """
    heading_deg = _number(gps.get(ExifTags.GPS.GPSImgDirection))
    if heading_deg is None or _text(gps.get(ExifTags.GPS.GPSImgDirectionRef))[:1].upper() not in ("T", ""):
        return None
    return compass_deg(heading_deg)


def exif_time(gps: Directory, camera: Directory) -> datetime | None:
    """The satellites' time (UTC) if it is there, else the camera's, with its time zone if it states one."""
    satellite_time = _satellite_time(_text(gps.get(ExifTags.GPS.GPSDateStamp)), gps.get(ExifTags.GPS.GPSTimeStamp))
    if satellite_time is not None:
        return satellite_time
    taken = _text(camera.get(ExifTags.Base.DateTimeOriginal))
    zone = _text(camera.get(ExifTags.Base.OffsetTimeOriginal))
    return parse_time(taken + zone) or parse_time(taken)


def _satellite_time(date: str, clock: object) -> datetime | None:
    """The day, and hours, minutes and seconds since its midnight."""
    midnight = parse_time(date)
    if midnight is None or not isinstance(clock, tuple) or len(clock) != 3:
        return None
    hours, minutes, seconds = (_number(part) for part in clock)
    if hours is None or minutes is None or seconds is None:
        return None
    since_midnight_s = hours * 3600 + minutes * 60 + seconds
    if not 0 <= since_midnight_s < 86_401:  # the longest day has a leap second
        return None
    try:
        return midnight.replace(tzinfo=UTC) + timedelta(seconds=since_midnight_s)
    except OverflowError:  # the last day of the year 9999
        return None


def _degrees(value: object) -> float | None:
    """Degrees from (degrees[, minutes[, seconds]]); None if a part is missing, 0/0, or no such part."""
    parts = [_number(part) for part in (value if isinstance(value, tuple) else (value,))]
    numbers = [part for part in parts if part is not None]
    if not 1 <= len(numbers) == len(parts) <= 3 or any(not 0 <= part <= 60 for part in numbers[1:]):
        return None
    magnitude = sum(abs(part) / 60.0**order for order, part in enumerate(numbers))
    return -magnitude if numbers[0] < 0 else magnitude


def _signed(degrees: float, hemisphere: str, positive: str, negative: str) -> float | Unplaced:
    letter = hemisphere[:1].upper()
    if letter == negative:
        return -abs(degrees)
    if letter == positive and degrees >= 0:
        return degrees
    if letter == positive:
        return Unplaced(LeftOutCode.INVALID_POSITION, f"its GPS position is {degrees:.6f}° and yet marked {positive}")
    if degrees < 0:
        return degrees
    return Unplaced(
        LeftOutCode.NO_HEMISPHERE, f"its GPS position is {degrees:.6f}° without saying {positive} or {negative}"
    )


def _number(value: object) -> float | None:
    """A finite number, or None; EXIF rationals count, text does not."""
    if not isinstance(value, SupportsFloat):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
    return number if isfinite(number) else None


def _text(value: object) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return text.strip("\0 \t\r\n") if isinstance(text, str) else ""
