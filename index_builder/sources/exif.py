"""The geotag of the EXIF block of a photograph; ``model.exif_position`` reads the position."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from PIL import ExifTags, Image

from index_builder.sources.geotag import Geotag, error_of, unreadable
from index_builder.sources.times import parse_time
from model.exif_position import Directory, exif_position, number_of, text_of

METRES_PER_MINUTE = 1852.0
"""The length of a minute of latitude: the largest error of a position without seconds."""

_BASE, _GPS = ExifTags.Base, ExifTags.GPS
_CAMERA_TIMES = (
    (_BASE.DateTimeOriginal, _BASE.SubsecTimeOriginal, _BASE.OffsetTimeOriginal),
    (_BASE.DateTimeDigitized, _BASE.SubsecTimeDigitized, _BASE.OffsetTimeDigitized),
    (_BASE.DateTime, _BASE.SubsecTime, _BASE.OffsetTime),
)


def exif_geotag(exif: Image.Exif, assumed_hemisphere: str = "") -> Geotag:
    """Return the geotag of a block.

    Args:
        exif: The block from ``model.images.read_metadata``.
        assumed_hemisphere: See ``model.exif_position.exif_position``.
    """
    gps, camera = exif.get_ifd(ExifTags.IFD.GPSInfo), {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    heading_deg = number_of(gps.get(_GPS.GPSImgDirection))
    is_magnetic = text_of(gps.get(_GPS.GPSImgDirectionRef))[:1].upper() not in ("T", "")
    time = exif_time(gps, camera)
    said = [text for tag, _, _ in _CAMERA_TIMES if (text := text_of(camera.get(tag)).strip(" :0"))]
    return Geotag(
        position=exif_position(gps, assumed_hemisphere),
        heading_deg=None if is_magnetic else heading_deg,
        magnetic_deg=heading_deg if is_magnetic else None,
        time=time,
        error_m=exif_error_m(gps) or (METRES_PER_MINUTE if _is_to_the_minute(gps) else None),
        is_void=text_of(gps.get(_GPS.GPSStatus))[:1].upper() == "V",
        remarks=unreadable(gps.get(_GPS.GPSImgDirection), heading_deg, said, time),
    )


def exif_error_m(gps: Directory) -> float | None:
    """Return the error of the position: the stated one, else by the dilution of precision; None without both."""
    return error_of(number_of(gps.get(_GPS.GPSHPositioningError)), number_of(gps.get(_GPS.GPSDOP)))


def exif_time(gps: Directory, camera: Directory) -> datetime | None:
    """Return the satellites' time (UTC) if it is there, else the camera's, with its time zone if it states one.

    The first of the camera's times that can be read counts: taken, digitised, changed.
    """
    satellite_time = _satellite_time(text_of(gps.get(_GPS.GPSDateStamp)), gps.get(_GPS.GPSTimeStamp))
    return satellite_time or next(_camera_times(camera), None)


def _is_to_the_minute(gps: Directory) -> bool:
    """Return whether a position is one in whole minutes, with 0/0 for seconds."""
    for value in (gps.get(_GPS.GPSLatitude), gps.get(_GPS.GPSLongitude)):
        if isinstance(value, tuple) and len(value) == 3 and number_of(value[2]) is None:
            minutes = number_of(value[1])
            if minutes is not None and minutes.is_integer():
                return True
    return False


def _camera_times(camera: Directory) -> Iterator[datetime]:
    for tags in _CAMERA_TIMES:
        taken, fraction, zone = (text_of(camera.get(tag)) for tag in tags)
        fraction = f".{fraction}" if fraction.isascii() and fraction.isdigit() else ""
        time = parse_time(taken + fraction + zone) or parse_time(taken + fraction) or parse_time(taken)
        if time is not None:
            yield time


def _satellite_time(date: str, clock: object) -> datetime | None:
    """Return the day, and hours, minutes and seconds since its midnight."""
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
