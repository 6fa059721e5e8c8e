"""The position of a photograph in its own EXIF block.

The functions take the block's directories in Pillow's form: tag number → number, tuple, text or bytes.
"""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import SupportsFloat

from PIL import ExifTags
from PIL.TiffImagePlugin import IFDRational

from model.estimates import is_estimate
from model.geo import LatLon
from model.images import read_exif
from model.picture_errors import NoExifPosition
from model.positions import ESTIMATED, PositionFault, Unplaced, checked_position

Directory = Mapping[int, object]


def read_exif_position(source: Path | bytes) -> LatLon:
    """Read the position that a picture states; no pixel is decoded.

    Raises:
        NoExifPosition: The picture states no position, or an invalid one.
        ImageError: See ``model.images.read_exif``.
    """
    found = exif_position(read_exif(source).get_ifd(ExifTags.IFD.GPSInfo))
    if isinstance(found, Unplaced):
        raise NoExifPosition(f"the photo does not say where it was taken: {found.reason}")
    return found


def exif_position(gps: Directory, assumed: str = "") -> LatLon | Unplaced:
    """Return the position of the GPS directory.

    Degrees, minutes and seconds may be one, two or three numbers. South and west are negative. Without a hemisphere, a
    negative number is taken and a positive one is refused. An estimate of Placefix does not count as a position.

    Args:
        gps: The directory.
        assumed: The hemispheres of a position that states none: two letters, as in ``NE``; empty to refuse it.
    """
    values = gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLongitude)
    if values[0] is None or values[1] is None:
        return Unplaced(PositionFault.NO_POSITION, "its EXIF block has no GPS position")
    if is_estimate(gps.get(ExifTags.GPS.GPSProcessingMethod)):
        return ESTIMATED
    latitude, longitude = _degrees(values[0]), _degrees(values[1])
    if latitude is None or longitude is None:
        return Unplaced(PositionFault.INVALID_POSITION, f"its GPS position is not a number: {values[0]}, {values[1]}")
    if latitude == longitude == 0:
        return checked_position(0.0, 0.0)
    north_or_south = text_of(gps.get(ExifTags.GPS.GPSLatitudeRef)) or assumed[:1]
    east_or_west = text_of(gps.get(ExifTags.GPS.GPSLongitudeRef)) or assumed[1:]
    signed_latitude = _signed(latitude, north_or_south, "N", "S")
    signed_longitude = _signed(longitude, east_or_west, "E", "W")
    if isinstance(signed_latitude, Unplaced):
        return signed_latitude
    if isinstance(signed_longitude, Unplaced):
        return signed_longitude
    return checked_position(signed_latitude, signed_longitude)


def _degrees(value: object) -> float | None:
    """Return degrees from (degrees[, minutes[, seconds]]); None if a part is missing, 0/0, or invalid.

    Seconds of 0/0 count as 0: programs that count in minutes write them.
    """
    parts = [number_of(part) for part in (value if isinstance(value, tuple) else (value,))]
    if isinstance(value, tuple) and len(value) == 3 and _is_zero_by_zero(value[2]):
        parts = parts[:2]
    numbers = [part for part in parts if part is not None]
    if not 1 <= len(numbers) == len(parts) <= 3 or any(not 0 <= part <= 60 for part in numbers[1:]):
        return None
    magnitude = sum(abs(part) / 60.0**order for order, part in enumerate(numbers))
    return -magnitude if numbers[0] < 0 else magnitude


def _is_zero_by_zero(part: object) -> bool:
    return isinstance(part, IFDRational) and part.numerator == 0 and part.denominator == 0


def _signed(degrees: float, hemisphere: str, positive: str, negative: str) -> float | Unplaced:
    letter = hemisphere[:1].upper()
    if letter == negative:
        return -abs(degrees)
    if letter == positive and degrees >= 0:
        return degrees
    if letter == positive:
        return Unplaced(PositionFault.INVALID_POSITION, f"its GPS position is {degrees:.6f}° and yet marked {positive}")
    if degrees < 0:
        return degrees
    return Unplaced(
        PositionFault.NO_HEMISPHERE, f"its GPS position is {degrees:.6f}° without saying {positive} or {negative}"
    )


def number_of(value: object) -> float | None:
    """Return a finite number, or None; EXIF rationals count, text does not."""
    if not isinstance(value, SupportsFloat):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
    return number if isfinite(number) else None


def text_of(value: object) -> str:
    """Return text or bytes as stripped text; empty for other types."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return text.strip("\0 \t\r\n") if isinstance(text, str) else ""
