"""Pictures for the tests, made with Pillow or byte by byte."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

# Pillow warns about broken EXIF blocks and MPO indexes, and goes on.
PILLOW_WARNS = [
    pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin"),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL.JpegImagePlugin"),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL.PngImagePlugin"),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL.Image"),
]

WIDTH, HEIGHT = 48, 32
Pixels = NDArray[np.uint8]


def photo(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Smooth, asymmetric, and different in each corner."""
    coarse = np.random.default_rng(5).integers(0, 256, size=(4, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encode(image: Image.Image, image_format: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def pixels(image: Image.Image) -> Pixels:
    assert image.mode == "RGB"
    return np.asarray(image)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    samples: NDArray[np.uint16],
    color_type: int,
    *,
    depth: int = 16,
    before: bytes = b"",
    after: bytes = b"",
    size: tuple[int, int] | None = None,
) -> bytes:
    """A PNG with the given samples, ``(height, width)`` or ``(height, width, channels)``, unfiltered."""
    height, width = samples.shape[:2]
    rows = samples.astype(">u2" if depth == 16 else np.uint8)
    content = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", *(size or (width, height)), depth, color_type, 0, 0, 0)
    parts = (chunk(b"IHDR", header), before, chunk(b"IDAT", zlib.compress(content)), after, chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def ramp() -> NDArray[np.uint16]:
    """Every part of the sixteen-bit scale, ends included."""
    return np.linspace(0, 65535, WIDTH * HEIGHT).round().astype(np.uint16).reshape(HEIGHT, WIDTH)


def exif_with(orientation: object) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif
