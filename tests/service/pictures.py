"""Pictures that are broken, hostile, or merely odd; all are made here, none is larger than a few megabytes."""

import struct
import zlib
from collections.abc import Iterator
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image

_BOMB_BYTES = 200_000_000
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def photo(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    random = np.random.default_rng(width * height)
    coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


JPEG = encoded(photo(), "JPEG", quality=90)
PNG = encoded(photo(), "PNG")
WEBP = encoded(photo(), "WEBP")
AVIF = encoded(photo(), "AVIF")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, *, bit_depth: int = 8, colour: int = 2, extra: bytes = b"", data: bytes = b""
) -> bytes:
    """Make a PNG that declares this size; its pixels are ``data``."""
    header = struct.pack(">IIBBBBB", width, height, bit_depth, colour, 0, 0, 0)
    body = png_chunk(b"IDAT", zlib.compress(data))
    return _PNG_SIGNATURE + png_chunk(b"IHDR", header) + extra + body + png_chunk(b"IEND", b"")


def flipped(content: bytes, position: int, count: int = 40) -> bytes:
    damaged = bytearray(content)
    for offset in range(count):
        damaged[(position + offset) % len(damaged)] ^= 0x5A
    return bytes(damaged)


def jpeg_of_declared_size(width: int, height: int) -> bytes:
    """Return the small JPEG with other numbers in its frame header."""
    start = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:start] + struct.pack(">HH", height, width) + JPEG[start + 4 :]


def webp_of_declared_size(width: int, height: int) -> bytes:
    """Return the small WebP after an extended header with other numbers."""
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    chunks = b"VP8X" + struct.pack("<I", 10) + bytes(4) + size + WEBP[12:]
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def avif_of_declared_size(width: int, height: int) -> bytes:
    """Return the small AVIF with other numbers in its box of sizes."""
    start = AVIF.index(b"ispe") + 8
    return AVIF[:start] + struct.pack(">II", width, height) + AVIF[start + 8 :]


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def broken_pictures() -> Iterator[tuple[str, str, bytes, int, str]]:
    """Yield kind, name and bytes, and the status and code that are the right answer."""
    strange, other = "not a picture", "format not read"
    yield other, "html", b"<!doctype html><html><body>hello</body></html>", 415, "unsupported_image_format"
    yield (
        other,
        "svg",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        415,
        "unsupported_image_format",
    )
    yield other, "pdf", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", 415, "unsupported_image_format"
    yield strange, "text", b"a photo of a street\n" * 50, 415, "not_an_image"
    yield strange, "zip", b"PK\x03\x04" + bytes(200), 415, "not_an_image"
    yield strange, "program", b"\x7fELF\x02\x01\x01" + bytes(200), 415, "not_an_image"
    yield strange, "zeros", bytes(5000), 415, "not_an_image"
    yield strange, "noise", np.random.default_rng(1).bytes(5000), 415, "not_an_image"
    yield strange, "one byte", b"\xff", 415, "not_an_image"
    yield strange, "python pickle", b"\x80\x04\x95cos\nsystem\n(S'true'\ntR.", 415, "not_an_image"

    small = photo(32, 32)
    for image_format in ("GIF", "BMP", "TIFF", "ICO", "PCX", "TGA", "PPM", "EPS", "JPEG2000", "DDS"):
        try:
            content = encoded(small, image_format)
        except (OSError, KeyError):  # Pillow was built without this one
            continue
        code = "unsupported_image_format" if image_format in ("GIF", "BMP", "TIFF", "JPEG2000", "ICO") else ""
        yield other, image_format.lower(), content, 415, code
    yield other, "heic", _box(b"ftyp", b"heic\x00\x00\x00\x00mif1heic") + bytes(500), 415, "unsupported_image_format"
    yield other, "psd", b"8BPS\x00\x01" + bytes(200), 415, ""

    empty = "empty"
    yield empty, "no bytes", b"", 422, "empty_image"

    cut = "cut short"
    for name, content in (("jpeg", JPEG), ("png", PNG), ("webp", WEBP), ("avif", AVIF)):
        yield cut, f"{name} at half", content[: len(content) // 2], 422, "corrupt_image"
        yield cut, f"{name} at 32 bytes", content[:32], 422, "corrupt_image"
    yield cut, "jpeg without its end", JPEG[: -len(JPEG) // 4], 422, "corrupt_image"
    yield cut, "jpeg signature", b"\xff\xd8\xff", 422, "corrupt_image"
    yield cut, "png signature", _PNG_SIGNATURE, 422, "corrupt_image"

    damaged = "damaged"
    yield damaged, "png header", flipped(PNG, 16, 8), 422, ""
    yield damaged, "png pixels", flipped(PNG, len(PNG) // 2), 422, "corrupt_image"
    yield damaged, "png checksum", PNG.replace(PNG[29:33], b"\x00\x00\x00\x00"), 422, "corrupt_image"
    yield damaged, "webp header", flipped(WEBP, 12, 12), 422, "corrupt_image"
    yield damaged, "avif boxes", flipped(AVIF, 60, 100), 422, "corrupt_image"
    yield damaged, "jpeg tables", flipped(JPEG, 20, 60), 422, "corrupt_image"
    yield damaged, "png without pixels", png(64, 64), 422, "corrupt_image"
    yield damaged, "png 0 × 0", png(0, 0), 422, ""
    yield damaged, "png of a wrong colour type", png(64, 64, colour=5, data=bytes(9000)), 422, "corrupt_image"
    yield damaged, "jpeg then html", JPEG[:200] + b"<html>" * 400, 422, "corrupt_image"

    bomb = "bomb"
    yield bomb, "png 30000 × 30000", png(30_000, 30_000), 413, "too_many_pixels"
    yield bomb, "png 60000 × 60000, one bit", png(60_000, 60_000, bit_depth=1, colour=0), 413, "too_many_pixels"
    yield bomb, "png 13000 × 13000", png(13_000, 13_000, data=bytes(20_000)), 413, "too_many_pixels"
    yield bomb, "png 17000 × 2000", png(17_000, 2_000), 413, "too_many_pixels"
    yield bomb, "png of 2³¹ - 1", png(2**31 - 1, 2**31 - 1), 413, "too_many_pixels"
    yield bomb, "jpeg 65500 × 65500", jpeg_of_declared_size(65_500, 65_500), 413, "too_many_pixels"
    yield bomb, "webp 16384 × 16384", webp_of_declared_size(16_384, 16_384), 413, "too_many_pixels"
    yield bomb, "avif 16000 × 16000", avif_of_declared_size(16_000, 16_000), 413, "too_many_pixels"
    yield bomb, "png text that unpacks to 200 MB", _text_bomb(), 422, "corrupt_image"
    yield bomb, "png colour profile that unpacks to 200 MB", _profile_bomb(), 422, "corrupt_image"
    yield bomb, "200 MB of zeros, as gzip", _gzip_bomb(), 415, "not_an_image"

    tiny = "too small"
    for width, height in ((1, 1), (3, 3), (15, 15), (15, 200)):
        yield tiny, f"{width} × {height}", encoded(photo(width, height), "PNG"), 422, "image_too_small"
    yield tiny, "1 × 16000", encoded(photo(1, 16_000), "PNG"), 422, "image_too_small"

    strip = "a strip"
    for width, height in ((20, 500), (2000, 60)):
        yield strip, f"{width} × {height}", encoded(photo(width, height), "JPEG"), 422, "extreme_aspect_ratio"


def odd_pictures() -> Iterator[tuple[str, bytes]]:
    """Yield pictures that are unusual, and good."""
    yield "grey jpeg", encoded(photo(mode="L"), "JPEG")
    yield "cmyk jpeg", encoded(photo(mode="CMYK"), "JPEG")
    yield "progressive jpeg", encoded(photo(), "JPEG", progressive=True)
    yield "palette png", encoded(photo().quantize(16), "PNG")
    yield "palette png with a transparent colour", encoded(photo().quantize(16), "PNG", transparency=3)
    yield "rgba png", encoded(photo(mode="RGBA"), "PNG")
    yield "grey png with alpha", encoded(photo(mode="LA"), "PNG")
    yield "one-bit png", encoded(photo(mode="1"), "PNG")
    yield "16-bit png", encoded(Image.fromarray(np.arange(64 * 48, dtype=np.uint16).reshape(48, 64) * 20), "PNG")
    yield "jpeg with 5 MB behind it", JPEG + bytes(5_000_000)
    yield "jpeg with an EXIF block of junk", encoded(photo(), "JPEG", exif=b"Exif\x00\x00MM\x00\x2a" + b"\xff" * 300)
    exif = Image.Exif()
    exif[0x0112] = 99
    yield "jpeg turned by nobody knows what", encoded(photo(), "JPEG", exif=exif)
    frames = [photo(64 + shift, 48).resize((64, 48)) for shift in range(3)]
    yield "animated png", encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    yield "animated webp", encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    yield "mpo", encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    yield "avif", AVIF
    yield "lossless webp", encoded(photo(), "WEBP", lossless=True)
    yield "all black", encoded(Image.new("RGB", (64, 64)), "JPEG")
    yield "all white", encoded(Image.new("RGB", (64, 64), "white"), "PNG")


def _text_bomb() -> bytes:
    text = png_chunk(b"zTXt", b"Comment\x00\x00" + _zlib_bomb())
    return png(64, 64, extra=text, data=bytes((64 * 3 + 1) * 64))


def _profile_bomb() -> bytes:
    profile = png_chunk(b"iCCP", b"Profile\x00\x00" + _zlib_bomb())
    return png(64, 64, extra=profile, data=bytes((64 * 3 + 1) * 64))


@cache
def _zlib_bomb() -> bytes:
    """Return 200 MB of zeros, as ``zlib.compress`` gives them."""
    return b"\x78\xda" + _deflated_zeros() + struct.pack(">I", zlib.adler32(bytes(_BOMB_BYTES)))


def _gzip_bomb() -> bytes:
    head = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    return head + _deflated_zeros() + struct.pack("<II", zlib.crc32(bytes(_BOMB_BYTES)), _BOMB_BYTES)


def _deflated_zeros() -> bytes:
    """Compress one block of zeros, and repeat it: to compress all of them takes seconds."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = compressor.compress(bytes(_BOMB_BYTES // 200)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return block * 200 + compressor.flush()
