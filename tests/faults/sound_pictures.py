"""Small sound pictures of every kind that the four formats know, with all the metadata that they can carry."""

from functools import cache

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from model.images import open_image
from tests.service.pictures import encoded, photo


@cache
def sound_pictures() -> dict[str, tuple[bytes, ...]]:
    """Format → files of it; the same bytes each time."""
    pictures = {"JPEG": _jpegs(), "PNG": _pngs(), "WEBP": _webps(), "AVIF": _avifs()}
    for contents in pictures.values():
        for content in contents:
            open_image(content)
    return pictures


def _jpegs() -> tuple[bytes, ...]:
    return (
        encoded(photo(), "JPEG", exif=_exif(), icc_profile=_profile(), comment=b"a comment"),
        encoded(photo(), "JPEG", quality=95, subsampling="4:4:4", dpi=(72, 72)),
        encoded(photo(), "JPEG", progressive=True, exif=_exif()),
        encoded(photo(), "JPEG", restart_marker_blocks=4, optimize=True),
        encoded(photo(mode="L"), "JPEG"),
        encoded(photo(mode="CMYK"), "JPEG"),
        encoded(photo(), "MPO", save_all=True, append_images=[photo(mode="L")]),
    )


def _pngs() -> tuple[bytes, ...]:
    text = PngInfo()
    text.add_text("Comment", "a comment " * 20, zip=True)
    text.add_itxt("Title", "a títle", "sv", "Title", zip=True)
    text.add_text("Author", "somebody")
    sixteen_bit = Image.frombytes("I;16", (64, 48), bytes(range(256)) * 24)
    return (
        encoded(photo(), "PNG", pnginfo=text, exif=_exif(), icc_profile=_profile(), dpi=(72, 72)),
        encoded(photo(), "PNG", compress_level=0),
        encoded(_transparent("RGBA"), "PNG"),
        encoded(_transparent("LA"), "PNG", pnginfo=text),
        encoded(photo().quantize(16), "PNG", transparency=3),
        encoded(photo(mode="1"), "PNG", transparency=0),
        encoded(sixteen_bit, "PNG"),
        encoded(photo(), "PNG", save_all=True, append_images=[photo(mode="L").convert("RGB")]),
    )


def _webps() -> tuple[bytes, ...]:
    return (
        encoded(photo(), "WEBP"),
        encoded(photo(), "WEBP", exif=_exif(), icc_profile=_profile(), xmp=b"<x:xmpmeta/>"),
        encoded(photo(), "WEBP", lossless=True),
        encoded(_transparent("RGBA"), "WEBP"),
        encoded(photo(), "WEBP", save_all=True, append_images=[photo(mode="L").convert("RGB")]),
    )


def _avifs() -> tuple[bytes, ...]:
    one_thread = {"max_threads": 1, "speed": 8}
    return (
        encoded(photo(), "AVIF", **one_thread),
        encoded(photo(), "AVIF", exif=_exif(), icc_profile=_profile(), xmp=b"<x:xmpmeta/>", **one_thread),
        encoded(_transparent("RGBA"), "AVIF", subsampling="4:4:4", **one_thread),
        encoded(photo(mode="L"), "AVIF", **one_thread),
        _timeless(
            encoded(photo(), "AVIF", save_all=True, append_images=[photo(mode="L").convert("RGB")], **one_thread)
        ),
    )


def _timeless(content: bytes) -> bytes:
    """Write an AVIF of several pictures without the times at which it was made."""
    changed = bytearray(content)
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        start = content.index(box) + 8
        changed[start : start + 16] = bytes(16)
    return bytes(changed)


def _transparent(mode: str) -> Image.Image:
    image = photo(mode=mode)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    exif[0x010F] = "a maker"
    exif[0x8769] = {0x9003: "2026:06:01 12:00:00", 0x927C: bytes(40)}
    exif[0x8825] = {1: "N", 2: (55.0, 42.0, 7.5), 3: "E", 4: (13.0, 11.0, 30.0), 16: "T", 17: 90.0}
    return exif


def _profile() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + bytes(12) + profile[36:]  # the time at which it was made
