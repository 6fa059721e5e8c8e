"""Rendered pictures as files like those of a phone: JPEG with position, heading and time in the EXIF block."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from io import BytesIO

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from model.geo import LatLon

DESCRIPTION = "Rendered by Placefix, not photographed. The town does not exist."

_QUALITY = 82
_SECOND_PARTS = 10_000  # a ten-thousandth of an arc second is 3 mm


@dataclass(frozen=True)
class Taken:
    """Hold place and time of a picture.

    Attributes:
        position: The position in WGS84.
        heading_deg: The direction of the camera, clockwise from true north, in [0, 360).
        time: The time in UTC.
    """

    position: LatLon
    heading_deg: float
    time: datetime


def photo_bytes(image: Image.Image, taken: Taken) -> bytes:
    """Return a picture as the bytes of a JPEG file with place and time."""
    file = BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, optimize=True, exif=_exif(taken))
    return file.getvalue()


def _exif(taken: Taken) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = DESCRIPTION
    exif[ExifTags.Base.Make] = "Placefix"
    exif[ExifTags.Base.Model] = "demo"
    exif[ExifTags.Base.Orientation] = 1
    exif.get_ifd(ExifTags.IFD.Exif).update(_time_tags(taken.time))
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(_position_tags(taken))
    return exif


def _time_tags(time: datetime) -> dict[int, str]:
    return {
        ExifTags.Base.DateTimeOriginal: time.strftime("%Y:%m:%d %H:%M:%S"),
        ExifTags.Base.OffsetTimeOriginal: "+00:00",
    }


def _position_tags(taken: Taken) -> dict[int, object]:
    latitude, longitude = taken.position.latitude, taken.position.longitude
    return {
        ExifTags.GPS.GPSLatitudeRef: "N" if latitude >= 0 else "S",
        ExifTags.GPS.GPSLatitude: _degrees_minutes_seconds(abs(latitude)),
        ExifTags.GPS.GPSLongitudeRef: "E" if longitude >= 0 else "W",
        ExifTags.GPS.GPSLongitude: _degrees_minutes_seconds(abs(longitude)),
        ExifTags.GPS.GPSImgDirectionRef: "T",
        ExifTags.GPS.GPSImgDirection: IFDRational(Fraction(round(taken.heading_deg * 100), 100)),
    }


def _degrees_minutes_seconds(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    parts = round(degrees * 3600 * _SECOND_PARTS)
    minutes, parts = divmod(parts, 60 * _SECOND_PARTS)
    return IFDRational(minutes // 60), IFDRational(minutes % 60), IFDRational(parts, _SECOND_PARTS)
