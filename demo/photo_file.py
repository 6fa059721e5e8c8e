"""Pictures as files: JPEG with the EXIF that a phone writes."""

from datetime import datetime
from fractions import Fraction
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from demo.walk import Shot

_QUALITY = 88
_SECOND_PARTS = 10_000  # a ten-thousandth of an arc second is 3 mm


def photo_bytes(image: Image.Image, shot: Shot) -> bytes:
    """A picture with position, heading and time, as the bytes of a JPEG file."""
    file = BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, exif=_exif(shot))
    return file.getvalue()


def write_photo(image: Image.Image, shot: Shot, path: Path) -> None:
    """Writes a picture as a file; whole, or not at all."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_bytes(photo_bytes(image, shot))
    unfinished.replace(path)


def _exif(shot: Shot) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "Drawn by Placefix, not photographed. The town does not exist."
    exif[ExifTags.Base.Make] = "Placefix"
    exif[ExifTags.Base.Model] = "demo"
    exif[ExifTags.Base.Orientation] = 1
    exif.get_ifd(ExifTags.IFD.Exif).update(_time_tags(shot.time))
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(_position_tags(shot))
    return exif


def _time_tags(time: datetime) -> dict[int, str]:
    return {
        ExifTags.Base.DateTimeOriginal: time.strftime("%Y:%m:%d %H:%M:%S"),
        ExifTags.Base.OffsetTimeOriginal: "+00:00",
    }


def _position_tags(shot: Shot) -> dict[int, object]:
    latitude, longitude = shot.position.latitude, shot.position.longitude
    return {
        ExifTags.GPS.GPSLatitudeRef: "N" if latitude >= 0 else "S",
        ExifTags.GPS.GPSLatitude: _degrees_minutes_seconds(abs(latitude)),
        ExifTags.GPS.GPSLongitudeRef: "E" if longitude >= 0 else "W",
        ExifTags.GPS.GPSLongitude: _degrees_minutes_seconds(abs(longitude)),
        ExifTags.GPS.GPSImgDirectionRef: "T",
        ExifTags.GPS.GPSImgDirection: IFDRational(Fraction(round(shot.view.heading_deg * 100), 100)),
    }


def _degrees_minutes_seconds(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    parts = round(degrees * 3600 * _SECOND_PARTS)
    minutes, parts = divmod(parts, 60 * _SECOND_PARTS)
    return IFDRational(minutes // 60), IFDRational(minutes % 60), IFDRational(parts, _SECOND_PARTS)
