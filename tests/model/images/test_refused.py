"""Files that are not pictures, are damaged, or have a size outside the limits."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from model.image_formats import FORMATS
from model.images import ImageLimits, check_header, open_image, read_exif
from model.picture_errors import (
    CorruptImage,
    EmptyImage,
    ExtremeAspectRatio,
    ImageError,
    ImageTooSmall,
    NotAnImage,
    TooManyPixels,
    UnreadableImage,
    UnsupportedImageFormat,
)
from tests.model.images.picture_bytes import (
    PILLOW_WARNS,
    chunk,
    encode,
    photo,
    png,
    ramp,
)

pytestmark = PILLOW_WARNS


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (encode(photo(), "GIF"), "GIF"),
        (encode(photo(), "BMP"), "BMP"),
        (encode(photo(), "TIFF"), "TIFF"),
        (encode(photo(), "TIFF", big_tiff=True), "BigTIFF"),
        (encode(photo(), "PDF"), "PDF"),
        (encode(photo(), "EPS"), "EPS"),
        (encode(photo(), "ICO"), "ICO"),
        (encode(photo(), "JPEG2000"), "JPEG 2000"),
        (encode(photo(), "JPEG2000", no_jp2=True), "JPEG 2000"),
        (encode(photo(), "PPM"), "Netpbm"),
        (encode(photo(), "ICNS"), "Apple icon"),
        (encode(photo(), "DDS"), "DirectDraw"),
        (b"8BPS" + bytes(40), "Photoshop"),
        (b"\x00\x00\x00\x1cftypisom" + bytes(40), "MP4"),
        (b"\x00\x00\x00\x1cftypqt  " + bytes(40), "MP4"),
        (b"\x1aE\xdf\xa3" + bytes(40), "Matroska"),
        (b"RIFF\x00\x01\x00\x00AVI LIST" + bytes(40), "AVI"),
        (b"\xff\x0a" + bytes(40), "JPEG XL"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg/>", "SVG"),
        (b"\n <!DOCTYPE html><html></html>", "HTML"),
        (b"<HTML><body>404</body></HTML>", "HTML"),
    ],
)
def test_other_formats_are_named(content: bytes, name: str) -> None:
    with pytest.raises(UnsupportedImageFormat, match=name) as caught:
        open_image(content)
    assert "JPEG, PNG, WebP and AVIF" in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        b"\0",
        b"hello",
        b'{"image": null}',
        bytes(1000),
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"BM is not a bitmap",
        b"\xff\xd8",
    ],
)
def test_what_is_no_picture(content: bytes) -> None:
    with pytest.raises(NotAnImage):
        open_image(content)


def test_no_bytes(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    for source in (b"", path):
        with pytest.raises(EmptyImage):
            open_image(source)


def test_no_file(tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")  # opening it would wait forever
    for path in (tmp_path / "missing.jpg", tmp_path, tmp_path / "loop.jpg", tmp_path / "pipe.jpg"):
        for look in (open_image, check_header, read_exif):
            with pytest.raises(UnreadableImage, match=path.name):
                look(path)


def _flip(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


def _corrupt() -> dict[str, bytes]:
    picture = {each: encode(photo(), each) for each in FORMATS}
    progressive = encode(photo(), "JPEG", progressive=True)
    cut = {f"{name} cut in half": content[: len(content) // 2] for name, content in picture.items()}
    bad_header = bytearray(picture["PNG"])
    bad_header[20] ^= 1
    return cut | {
        "progressive JPEG cut in half": progressive[: len(progressive) // 2],
        "JPEG without EOI": picture["JPEG"][:-2],
        "progressive JPEG without EOI": progressive[:-2],
        "PNG without IEND": picture["PNG"][:-12],
        "PNG with a bad header sum": bytes(bad_header),
        "PNG with a bad sum of pixels": _flip(picture["PNG"], len(picture["PNG"]) - 14),
        "PNG of no size": png(ramp(), 0, size=(0, 0)),
        "PNG with a text bomb": png(
            ramp(), 0, before=chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9))
        ),
        "PNG without pixels": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)),
        "JPEG without a header": b"\xff\xd8\xff\xd9",
        "JPEG of noise": b"\xff\xd8\xff" + bytes(range(256)) * 8,
        "WebP of unknown kind": b"RIFF\x40\0\0\0WEBPVP9 " + bytes(60),
        "AVIF of nothing": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(60),
    }


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in _corrupt().items()])
def test_corrupt_pictures(content: bytes) -> None:
    with pytest.raises(CorruptImage, match="starts like"):
        open_image(content)


def test_errors_name_the_path_and_keep_the_cause(tmp_path: Path) -> None:
    path = tmp_path / "half.jpg"
    content = encode(photo(), "JPEG")
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CorruptImage, match=r"half\.jpg starts like JPEG, but cannot be decoded") as caught:
        open_image(path)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    ("size", "error", "numbers"),
    [
        ((1, 1), ImageTooSmall, "1×1"),
        ((15, 40), ImageTooSmall, "16"),
        ((1, 60_000), ImageTooSmall, "1×60000"),
        ((16, 321), ExtremeAspectRatio, "20.1"),
        ((321, 16), ExtremeAspectRatio, "20"),
        ((16_385, 1000), TooManyPixels, "16384"),
        ((8000, 6251), TooManyPixels, "50,008,000"),
        (
            (12_000, 12_000),
            TooManyPixels,
            "144,000,000|larger than Pillow",
        ),  # if warnings are errors, Pillow's comes first
        ((30_000, 30_000), TooManyPixels, "900000000"),
        ((60_000, 60_000), TooManyPixels, "larger than Pillow"),
    ],
)
def test_sizes_outside_the_limits(size: tuple[int, int], error: type[ImageError], numbers: str) -> None:
    # The pixels are missing: the header decides before any is decoded.
    content = png(np.zeros((1, 1), np.uint16), 0, depth=1 if size == (60_000, 60_000) else 8, size=size)
    with pytest.raises(error, match=numbers):
        open_image(content)


@pytest.mark.parametrize("size", [(16, 16), (16, 320), (320, 16)])
def test_sizes_at_the_limits(size: tuple[int, int]) -> None:
    assert open_image(encode(photo(*size), "PNG")).size == size


def test_limits_are_an_argument() -> None:
    content = encode(photo(), "PNG")
    with pytest.raises(TooManyPixels, match="at most 100 are read"):
        open_image(content, ImageLimits(max_pixels=100))
    assert open_image(encode(photo(4, 4), "PNG"), ImageLimits(min_side_px=4)).size == (4, 4)
