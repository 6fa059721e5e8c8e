"""The recognition of a file by its first bytes; names, suffixes and content types are not trusted."""

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")
"""The readable formats, by Pillow's names; MPO, the two-lens pictures of phones, counts as JPEG."""

HEIF = "HEIF"
"""The format of iPhones, which needs the optional pillow-heif (its wheels are under the GPL)."""

HEADER_SIZE_BYTES = 1024

# (offset, bytes at this offset, name). The readable formats come first.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"II*\0", "TIFF or camera raw"),
    (0, b"MM\0*", "TIFF or camera raw"),
    (0, b"II+\0", "BigTIFF"),
    (0, b"MM\0+", "BigTIFF"),
    (0, b"IIU\0", "Panasonic raw"),
    (0, b"IIRO", "Olympus raw"),
    (0, b"FUJIFILMCCD-RAW", "Fujifilm raw"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"8BPS", "Photoshop"),
    (0, b"gimp xcf", "GIMP"),
    (0, b"%PDF-", "PDF"),
    (0, b"%!PS", "PostScript or EPS"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript or EPS"),
    (0, b"\0\0\1\0", "ICO"),
    (0, b"\0\0\2\0", "Windows cursor"),
    (0, b"icns", "Apple icon"),
    (0, b"qoif", "QOI"),
    (0, b"DDS ", "DirectDraw surface"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"BPG\xfb", "BPG"),
    (0, b"\x8aMNG\r\n\x1a\n", "MNG"),
    (0, b"\x1aE\xdf\xa3", "Matroska or WebM video"),
    (0, b"FLV\1", "Flash video"),
    (0, b"\0\0\1\xba", "MPEG video"),
    (0, b"\0\0\1\xb3", "MPEG video"),
    (8, b"WEBP", "WEBP"),  # behind RIFF, checked below
    (8, b"AVI ", "AVI video"),
)
_IN_RIFF = {"WEBP", "AVI video"}
_BITMAP_HEADER_SIZES = {12, 40, 52, 56, 64, 108, 124}  # the versions of the header that follows "BM" and three numbers
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF_BRANDS = {b"avif", b"avis"}
_CONTAINER_BRANDS = {b"mif1", b"msf1"}  # brands of any codec: the list of compatible brands names the content


def recognise_format(header: bytes) -> str | None:
    """Return the name of the format that a file starts with.

    Args:
        header: The first bytes, up to ``HEADER_SIZE_BYTES``.

    Returns:
        A member of ``FORMATS``, ``HEIF``, the name of an unreadable format, or None for an unknown one.
    """
    for offset, signature, name in _SIGNATURES:
        if header.startswith(signature, offset) and (name not in _IN_RIFF or header.startswith(b"RIFF")):
            return name
    if header[4:8] == b"ftyp":
        return _recognise_iso_media(header)
    if header.startswith(b"BM") and int.from_bytes(header[14:18], "little") in _BITMAP_HEADER_SIZES:
        return "BMP"
    if header[:1] == b"P" and header[1:2] in b"1234567" and header[2:3].isspace():
        return "Netpbm"
    return _recognise_markup(header)


def _recognise_iso_media(header: bytes) -> str:
    """Tell AVIF, HEIF and video apart by the brands of their common container (ISO/IEC 14496-12, 4.3)."""
    major = header[8:12]
    size_bytes = int.from_bytes(header[:4], "big")
    compatible = {header[at : at + 4] for at in range(16, min(size_bytes, len(header)), 4)}
    if major in _AVIF_BRANDS or (major in _CONTAINER_BRANDS and compatible & _AVIF_BRANDS):
        return "AVIF"
    if major in _HEIF_BRANDS | _CONTAINER_BRANDS:
        return HEIF
    return "Canon raw" if major == b"crx " else "MP4 or QuickTime video"


def _recognise_markup(header: bytes) -> str | None:
    text = header.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return "SVG"
    if text.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    return "XML" if text.startswith(b"<?xml") else None
