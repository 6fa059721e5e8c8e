"""The only way to open a picture: upright, RGB, within limits, and with one kind of error.

Pillow decodes. This module adds limits on the size of pictures, and the choice of pictures that are decoded at a
fraction (``model.jpeg``). ``model.image_file`` says which formats reach a decoder.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin

from model.image_file import DECODER_ERRORS, decoder_errors, name_of, open_header
from model.jpeg import denominator_for, read_frame
from model.picture_errors import CorruptExif, CorruptImage, ExtremeAspectRatio, ImageTooSmall, TooManyPixels
from model.rgb import to_rgb

# The greatest memory per pixel during decoding: 4 bytes for the decoder's pixel, and 4 for a copy in RGB or for the
# coefficients of a JPEG of four components.
_BYTES_PER_PIXEL = 8

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Set the limits on the size and shape of a picture; they are checked on the header, before a pixel is decoded.

    Attributes:
        max_pixels: Greatest width × height of the decoded picture, which is smaller for a JPEG at a fraction. Decoding
            takes up to 8 bytes per pixel, and the coefficients of a JPEG at a fraction may take as much.
        max_side_px: Greatest length of the longer side in the header, independent of the decoded fraction.
        min_side_px: Least length of the shorter side.
        max_aspect_ratio: Greatest longer side / shorter side.
    """

    max_pixels: int = 50_000_000
    max_side_px: int = 16_384
    min_side_px: int = 16
    max_aspect_ratio: float = 20.0


DEFAULT_LIMITS = ImageLimits()


def open_image(source: Path | bytes, limits: ImageLimits = DEFAULT_LIMITS, *, whole: bool = False) -> Image.Image:
    """Decode a picture: the first frame, upright, in RGB.

    The orientation of the EXIF block is applied (an invalid one is ignored), 16-bit grey is scaled to 8 bits,
    transparent pixels become white, and the result has no metadata.

    Args:
        source: A file, or the bytes of one.
        limits: The limits on the size of the picture.
        whole: Whether to decode all pixels of a JPEG with more than ``model.jpeg.WHOLE_UP_TO_PIXELS``; otherwise it is
            decoded at 1/2, 1/4 or 1/8 of its size.

    Returns:
        The picture in mode RGB, loaded, independent of the file.

    Raises:
        UnreadableImage: The file is missing, or cannot be read.
        EmptyImage: The file holds no bytes.
        NotAnImage: The start of the file matches no picture format.
        UnsupportedImageFormat: The file has a picture format that Placefix does not read.
        CorruptImage: The file starts like a readable format, and cannot be decoded to the end.
        TooManyPixels, ImageTooSmall, ExtremeAspectRatio: The size is outside the limits.
    """
    name = name_of(source)
    with open_header(source, verify=True) as image:
        _fit(image, limits, name, whole=whole)
        with decoder_errors(name, image.format):
            image.load()
            upright = to_rgb(image)
            transposition = _UPRIGHT.get(_orientation(image))
            if transposition is not None:
                upright = upright.transpose(transposition)
            elif upright is image:
                upright = image.copy()
    upright.info.clear()  # Pillow keeps the EXIF block: the position, and an orientation that no longer holds
    return upright


def check_header(source: Path | bytes, limits: ImageLimits = DEFAULT_LIMITS, *, whole: bool = False) -> None:
    """Check only the header of a picture, so that errors are reported before long work begins.

    Args:
        source: A file, or the bytes of one.
        limits: The limits on the size of the picture.
        whole: See ``open_image``.

    Raises:
        ImageError: An error of ``open_image`` that the header shows.
    """
    with open_header(source) as image:
        _fit(image, limits, name_of(source), whole=whole)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Hold the metadata of a picture.

    Attributes:
        exif: The EXIF block; empty if there is none, or it is broken. The directories ``ExifTags.IFD.Exif`` and
            ``ExifTags.IFD.GPSInfo`` have been parsed, so ``get_ifd`` cannot fail on them.
        exif_error: The reason why the block cannot be parsed; None if it can, or there is none.
        xmp: The XMP packet, not yet parsed; empty if there is none.
    """

    exif: Image.Exif
    exif_error: CorruptExif | None
    xmp: bytes


def read_metadata(source: Path | bytes) -> Metadata:
    """Read the metadata of a picture from the head of its file, without decoding a pixel.

    Args:
        source: A file, or the bytes of one.

    Raises:
        ImageError: An error of ``open_image`` that the header shows; sizes are not checked.
    """
    name = name_of(source)
    with open_header(source) as image:
        packet = image.info.get("xmp")
        xmp = packet.encode() if isinstance(packet, str) else packet if isinstance(packet, bytes) else b""
        try:
            return Metadata(_parsed_exif(image), None, xmp)
        except DECODER_ERRORS as error:
            broken = CorruptExif(f"{name}: its EXIF block cannot be parsed ({error})")
            broken.__cause__ = error
            return Metadata(Image.Exif(), broken, xmp)


def read_exif(source: Path | bytes) -> Image.Exif:
    """Read the EXIF block of a picture, without decoding a pixel.

    Args:
        source: A file, or the bytes of one.

    Returns:
        The block, as in ``Metadata.exif``; empty if the picture has no EXIF block.

    Raises:
        CorruptExif: The block cannot be parsed; the pixels may be intact.
        ImageError: See ``read_metadata``.
    """
    metadata = read_metadata(source)
    if metadata.exif_error is not None:
        raise metadata.exif_error
    return metadata.exif


def _fit(image: Image.Image, limits: ImageLimits, name: str, *, whole: bool) -> None:
    """Decode a large JPEG at a fraction, and refuse pictures outside the limits."""
    _check_sides(image.size, limits, name)
    width, height = image.size
    size, advice = f"{width}×{height}", ""
    if isinstance(image, JpegImagePlugin.JpegImageFile) and (denominator := denominator_for(image.size)) > 1:
        if whole:
            advice = ": here a JPEG is decoded whole; a new map with --preprocess antialias decodes a fraction of it"
        else:
            _check_coefficients(image, limits, name)
            image.draft(None, (width // denominator, height // denominator))
            size += f" pixels, and decoded at 1/{denominator} {image.width}×{image.height}"
    pixels = image.width * image.height
    if pixels > limits.max_pixels:
        raise TooManyPixels(f"{name} has {size} = {pixels:,} pixels; at most {limits.max_pixels:,} are read{advice}")


def _check_sides(size: tuple[int, int], limits: ImageLimits, name: str) -> None:
    width, height = size
    shorter, longer = min(size), max(size)
    if shorter < limits.min_side_px:
        raise ImageTooSmall(f"{name} has {width}×{height} pixels; each side must have {limits.min_side_px} or more")
    if longer > limits.max_aspect_ratio * shorter:
        raise ExtremeAspectRatio(
            f"{name} has {width}×{height} pixels, an aspect ratio of {longer / shorter:.1f}; "
            f"at most {limits.max_aspect_ratio:g} is read"
        )
    if longer > limits.max_side_px:
        raise TooManyPixels(f"{name} has {width}×{height} pixels; a side may have at most {limits.max_side_px}")


def _check_coefficients(image: JpegImagePlugin.JpegImageFile, limits: ImageLimits, name: str) -> None:
    """Refuse a JPEG of several scans whose coefficients would take more memory than the greatest number of pixels."""
    file = image.fp
    assert file is not None  # noqa: S101  (it is open until the pixels are loaded)
    try:
        frame = read_frame(file)
    except ValueError as error:
        raise CorruptImage(f"{name} starts like JPEG, but {error}: copy or export it again") from error
    most = _BYTES_PER_PIXEL * limits.max_pixels
    if frame.coefficient_bytes > most:
        raise TooManyPixels(
            f"{name} has {image.width}×{image.height} pixels in several scans (a progressive JPEG), which take "
            f"{frame.coefficient_bytes:,} bytes of memory; at most {most:,} are used: save it as a baseline JPEG"
        )


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 (as stored) if there is no readable one."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except DECODER_ERRORS:
        return 1  # a broken EXIF block does not make the picture unusable
    return orientation if isinstance(orientation, int) else 1


def _parsed_exif(image: Image.Image) -> Image.Exif:
    exif = Image.Exif()
    block = _exif_block(image)
    if block:
        exif.load(block)
    dict(exif)  # values are parsed on access
    exif.get_ifd(ExifTags.IFD.Exif)
    exif.get_ifd(ExifTags.IFD.GPSInfo)
    return exif


def _exif_block(image: Image.Image) -> bytes:
    """Return the raw EXIF block; empty if there is none."""
    block = image.info.get("exif")
    if block is None and isinstance(image, PngImagePlugin.PngImageFile):
        hexadecimal = image.info.get("Raw profile type exif")  # ImageMagick's form from before PNG had eXIf
        if isinstance(hexadecimal, str):
            return bytes.fromhex("".join(hexadecimal.split("\n")[3:]))
        return _exif_behind_pixels(image)
    return block if isinstance(block, bytes) else b""


def _exif_behind_pixels(image: PngImagePlugin.PngImageFile) -> bytes:
    """Return the eXIf chunk behind the pixels of a PNG; some programs put it there, where Pillow finds it too late."""
    file = image.fp
    if file is None:
        return b""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"eXIf":
            return file.read(length)
        file.seek(length + 4, 1)
    return b""
