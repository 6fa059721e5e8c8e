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
    """Make a picture that is smooth, asymmetric, and different in each corner."""
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
    """Make a PNG with the given samples, ``(height, width)`` or ``(height, width, channels)``, unfiltered."""
    height, width = samples.shape[:2]
    rows = samples.astype(">u2" if depth == 16 else np.uint8)
    content = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", *(size or (width, height)), depth, color_type, 0, 0, 0)
    parts = (chunk(b"IHDR", header), before, chunk(b"IDAT", zlib.compress(content)), after, chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def ramp() -> NDArray[np.uint16]:
    """Return all parts of the 16-bit scale, including its ends."""
    return np.linspace(0, 65535, WIDTH * HEIGHT).round().astype(np.uint16).reshape(HEIGHT, WIDTH)


def exif_with(orientation: object) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def flat_jpeg(
    width: int, height: int, *, components: int = 3, sampling: tuple[int, int] = (2, 2), scans: str = "one"
) -> bytes:
    """Make a grey JPEG of any size without its pixels: each block has two bits, or one bit in a progressive one.

    Args:
        width: The width in pixels.
        height: The height in pixels.
        components: 1 grey, 3 in colour, 4 for CMYK.
        sampling: Samples of the first component to one of the others, across and down.
        scans: "one"; "one each", a sequential scan for each component; or "progressive".
    """
    across, down = sampling
    factors = [(across << 4 | down) if index == 0 else 0x11 for index in range(components)]
    frame = struct.pack(">BHHB", 8, height, width, components)
    frame += b"".join(bytes((index + 1, factor, 0)) for index, factor in enumerate(factors))
    is_progressive = scans == "progressive"
    content = b"\xff\xd8" + _segment(0xDB, b"\0" + bytes([1]) * 64)
    content += _segment(0xC2 if is_progressive else 0xC0, frame)
    for table in (0x00, 0x10):  # the only code, of one bit, means: no difference, or no more coefficients
        content += _segment(0xC4, bytes((table, 1)) + bytes(15) + b"\0")
    together = [range(components)] if scans != "one each" else [range(each, each + 1) for each in range(components)]
    units = -(-width // (8 * across)) * -(-height // (8 * down))
    for group in together:
        if len(group) == 1:  # the blocks of a component in its own scan are not padded
            columns, rows = (1, 1) if group[0] == 0 else (across, down)
            blocks = -(-width // (8 * columns)) * -(-height // (8 * rows))
        else:
            blocks = units * (across * down + components - 1)
        scan = bytes([len(group)]) + b"".join(bytes((each + 1, 0)) for each in group)
        content += _segment(0xDA, scan + (b"\0\0\0" if is_progressive else b"\0\x3f\0"))
        content += bytes(-(-blocks * (1 if is_progressive else 2) // 8))
    return content + b"\xff\xd9"


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
