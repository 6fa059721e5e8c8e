"""EXIF blocks, read without the pixels."""

import zlib
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from model.image_formats import FORMATS
from model.images import open_image, read_exif
from model.picture_errors import CorruptExif, CorruptImage, EmptyImage, ImageError, NotAnImage, UnsupportedImageFormat
from tests.model.images.picture_bytes import PILLOW_WARNS, chunk, encode, exif_with, photo, png, ramp

pytestmark = PILLOW_WARNS


def _gps_exif() -> Image.Exif:
    exif = exif_with(6)
    exif[ExifTags.IFD.GPSInfo] = {1: "S", 2: (33.0, 51.0, 30.0), 3: "E", 4: (151.0, 12.0, 0.0)}
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "2024:09:23 16:06:58"}
    return exif


@pytest.mark.parametrize("image_format", FORMATS)
def test_exif_of_every_format(tmp_path: Path, image_format: str) -> None:
    path = tmp_path / "photo"
    path.write_bytes(encode(photo(), image_format, exif=_gps_exif()))
    for source in (path, path.read_bytes()):
        exif = read_exif(source)
        assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (33.0, 51.0, 30.0)
        assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2024:09:23 16:06:58"


@pytest.mark.parametrize("image_format", FORMATS)
def test_no_exif_is_empty(image_format: str) -> None:
    exif = read_exif(encode(photo(), image_format))
    assert not dict(exif)
    assert not exif.get_ifd(ExifTags.IFD.GPSInfo)


def test_exif_behind_the_pixels_of_a_png() -> None:
    block = _gps_exif().tobytes().removeprefix(b"Exif\0\0")
    exif = read_exif(png(ramp(), 0, after=chunk(b"eXIf", block)))
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "S"


def test_exif_as_imagemagick_wrote_it_into_a_png() -> None:
    block = _gps_exif().tobytes()
    text = f"\nexif\n{len(block):8}\n{block.hex()}\n".encode()
    exif = read_exif(png(ramp(), 0, before=chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))))
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "S"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_is_told_from_none(image_format: str) -> None:
    with pytest.raises(CorruptExif, match="EXIF block cannot be parsed"):
        read_exif(encode(photo(), image_format, exif=b"Exif\0\0nonsense, all of it"))


def test_exif_is_read_without_the_pixels() -> None:
    content = encode(photo(), "JPEG", exif=_gps_exif())
    cut = content[: content.index(b"\xff\xda") + 20]
    assert read_exif(cut).get_ifd(ExifTags.IFD.GPSInfo)
    with pytest.raises(CorruptImage):
        open_image(cut)


@pytest.mark.parametrize(
    ("content", "error"), [(b"", EmptyImage), (b"hello", NotAnImage), (b"GIF89a", UnsupportedImageFormat)]
)
def test_exif_of_what_is_no_picture(content: bytes, error: type[ImageError]) -> None:
    with pytest.raises(error):
        read_exif(content)
