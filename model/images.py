"""The only way a picture is opened: upright, RGB, within limits, and with one kind of error.

Pillow does the decoding. What is added here is what Pillow leaves open: which formats may reach a decoder at all, how
large a picture may be, and errors that say what is wrong.
Nothing of Pillow's global state is changed, except that the optional HEIF reader is registered when a HEIF file comes.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO

# Imported, the four register themselves; otherwise Pillow would load every decoder it has when the first WebP comes.
from PIL import (
    AvifImagePlugin,
    ExifTags,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from model.image_formats import FORMATS, HEADER_SIZE_BYTES, HEIF, recognise_format
from model.picture_errors import (
    CorruptExif,
    CorruptImage,
    EmptyImage,
    ExtremeAspectRatio,
    ImageTooSmall,
    NotAnImage,
    TooManyPixels,
    UnreadableImage,
    UnsupportedImageFormat,
)
from model.rgb import to_rgb

_PLUGINS = (AvifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin)
_FORMATS_FOR_PEOPLE = "JPEG, PNG, WebP and AVIF"

# What Pillow's readers may raise on broken files; UserWarning is for programs that make warnings errors.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    EOFError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    BufferError,
    UserWarning,
    struct.error,
    zlib.error,
)

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_heif_registration = Lock()


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """How large, small and long a picture may be; checked on the header, before a pixel is decoded.

    Attributes:
        max_pixels: Width × height. Decoding takes up to 8 bytes per pixel.
        max_side_px: The longer side.
        min_side_px: The shorter side.
        max_aspect_ratio: Longer side / shorter side.
    """

    max_pixels: int = 50_000_000
    max_side_px: int = 16_384
    min_side_px: int = 16
    max_aspect_ratio: float = 20.0


DEFAULT_LIMITS = ImageLimits()


def open_image(source: Path | bytes, limits: ImageLimits = DEFAULT_LIMITS) -> Image.Image:
    """Decodes a picture: the first frame, upright, in RGB.

    The orientation of the EXIF block is applied (an invalid one is ignored), sixteen-bit grey is scaled to eight,
    transparent pixels become white, and nothing of the file's metadata stays on the result.

    Args:
        source: A file, or the bytes of one.
        limits: What is too large, too small or too long.

    Returns:
        Mode RGB, loaded, independent of the file.

    Raises:
        UnreadableImage: The file is not there, or cannot be read.
        EmptyImage: It holds no bytes.
        NotAnImage: It starts like no picture format.
        UnsupportedImageFormat: It starts like a format that is not read.
        CorruptImage: It starts like a format that is read, and cannot be decoded to the end.
        TooManyPixels, ImageTooSmall, ExtremeAspectRatio: Its size is outside the limits.
    """
    name = _name(source)
    with _open_header(source, verify=True) as image:
        _check_size(image.size, limits, name)
        with _decoder_errors(name, image.format):
            image.load()
            upright = to_rgb(image)
            transposition = _UPRIGHT.get(_orientation(image))
            if transposition is not None:
                upright = upright.transpose(transposition)
            elif upright is image:
                upright = image.copy()
    upright.info.clear()  # Pillow carries EXIF along: the position, and an orientation that is no longer true
    return upright


def check_header(source: Path | bytes, limits: ImageLimits = DEFAULT_LIMITS) -> None:
    """Looks at the header of a picture alone: what is wrong there is told before anything long begins.

    Args:
        source: A file, or the bytes of one.
        limits: What is too large, too small or too long.

    Raises:
        ImageError: As ``open_image``, for what the header shows.
    """
    with _open_header(source) as image:
        _check_size(image.size, limits, _name(source))


def read_exif(source: Path | bytes) -> Image.Exif:
    """Reads the EXIF block of a picture, without decoding a pixel.

    The directories ``ExifTags.IFD.Exif`` and ``ExifTags.IFD.GPSInfo`` have been parsed on return, so that ``get_ifd``
    cannot fail on them.

    Args:
        source: A file, or the bytes of one.

    Returns:
        Empty if the picture has no EXIF block.

    Raises:
        CorruptExif: There is a block, and it cannot be parsed; the picture itself may be in order.
        ImageError: As ``open_image``, for what the header shows; sizes are not checked.
    """
    name = _name(source)
    with _open_header(source) as image:
        try:
            block = _exif_block(image)
            exif = Image.Exif()
            if block:
                exif.load(block)
            dict(exif)  # values are parsed when they are looked at
            exif.get_ifd(ExifTags.IFD.Exif)
            exif.get_ifd(ExifTags.IFD.GPSInfo)
        except _DECODER_ERRORS as error:
            raise CorruptExif(f"{name}: its EXIF block cannot be parsed ({error})") from error
    return exif


def _name(source: Path | bytes) -> str:
    return str(source) if isinstance(source, Path) else "the file"


@contextmanager
def _open_header(source: Path | bytes, *, verify: bool = False) -> Iterator[Image.Image]:
    """Recognises the format and lets Pillow read the header; the file is closed on leaving."""
    name = _name(source)
    with _open_file(source, name) as (file, header):
        found = _check_format(header, name)
        formats = (*FORMATS, HEIF) if found == HEIF else FORMATS
        with _decoder_errors(name, found):
            if verify and found == "PNG":
                # Pillow decodes without looking at the check sums of the pixels; a flipped bit could pass unnoticed.
                Image.open(file, formats=formats).verify()
            image = Image.open(file, formats=formats)
        with image:
            yield image


@contextmanager
def _open_file(source: Path | bytes, name: str) -> Iterator[tuple[BinaryIO, bytes]]:
    """The open file, and its first bytes."""
    with ExitStack() as stack:
        try:
            if isinstance(source, Path) and source.exists() and not source.is_file():
                raise UnreadableImage(f"{name} is not a regular file")  # opening a pipe would wait for ever
            file: BinaryIO = BytesIO(source) if isinstance(source, bytes) else stack.enter_context(source.open("rb"))
            header = file.read(HEADER_SIZE_BYTES)
        except OSError as error:
            raise UnreadableImage(f"{name} cannot be read: {error.strerror}") from error
        yield file, header


def _check_format(header: bytes, name: str) -> str:
    """The format, if it is one that is read."""
    if not header:
        raise EmptyImage(f"{name} is empty (0 bytes)")
    found = recognise_format(header)
    if found is None:
        raise NotAnImage(f"{name} is not a picture: it starts with {header[:8]!r}; {_FORMATS_FOR_PEOPLE} are read")
    if found == HEIF and not _register_heif():
        raise UnsupportedImageFormat(
            f"{name} is HEIC/HEIF, which needs an extra: pip install 'placefix[heif]'; without it "
            f"{_FORMATS_FOR_PEOPLE} are read"
        )
    if found not in (*FORMATS, HEIF):
        raise UnsupportedImageFormat(f"{name} is {found}; {_FORMATS_FOR_PEOPLE} are read: convert it to one of them")
    return found


def _register_heif() -> bool:
    """Adds pillow-heif's reader to Pillow, once; False where it is not installed."""
    with _heif_registration:
        if HEIF not in Image.OPEN:
            try:
                import pillow_heif  # noqa: PLC0415 (optional, and needed only where such a file comes)
            except ImportError:
                return False
            pillow_heif.register_heif_opener(thumbnails=False)
    return True


@contextmanager
def _decoder_errors(name: str, image_format: str | None) -> Iterator[None]:
    """Turns what Pillow raises into Placefix's errors."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels(f"{name} is larger than Pillow decodes: {error}") from error
    except MemoryError as error:
        raise TooManyPixels(f"{name} does not fit into memory when decoded: make it smaller") from error
    except UnidentifiedImageError as error:
        raise CorruptImage(
            f"{name} starts like {image_format}, but its header is broken: copy or export it again"
        ) from error
    except _DECODER_ERRORS as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk; Pillow's own carry no number
            raise UnreadableImage(f"{name} cannot be read: {error.strerror}") from error
        raise CorruptImage(
            f"{name} starts like {image_format}, but cannot be decoded ({error}): copy or export it again"
        ) from error


def _check_size(size: tuple[int, int], limits: ImageLimits, name: str) -> None:
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
    if width * height > limits.max_pixels:
        raise TooManyPixels(
            f"{name} has {width}×{height} = {width * height:,} pixels; at most {limits.max_pixels:,} are read"
        )


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 (as stored) if there is none, or none that can be read."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except _DECODER_ERRORS:
        return 1  # a picture with a broken EXIF block is still a picture
    return orientation if isinstance(orientation, int) else 1


def _exif_block(image: Image.Image) -> bytes:
    """The raw EXIF block; empty if there is none."""
    block = image.info.get("exif")
    if block is None and isinstance(image, PngImagePlugin.PngImageFile):
        hexadecimal = image.info.get("Raw profile type exif")  # as ImageMagick wrote it before PNG had eXIf
        if isinstance(hexadecimal, str):
            return bytes.fromhex("".join(hexadecimal.split("\n")[3:]))
        return _exif_behind_pixels(image)
    return block if isinstance(block, bytes) else b""


def _exif_behind_pixels(image: PngImagePlugin.PngImageFile) -> bytes:
    """The eXIf chunk that follows the pixels of a PNG; some programs put it there, where Pillow finds it too late."""
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
