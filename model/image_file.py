"""The file of a picture: its format by its first bytes, its header by Pillow, and one kind of error.

Pillow's global state does not change, except that the optional HEIF reader is registered for the first HEIF file.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO

# The four register themselves on import; otherwise Pillow would load all of its decoders for the first WebP.
from PIL import AvifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError, WebPImagePlugin

from model.image_formats import FORMATS, HEADER_SIZE_BYTES, HEIF, recognise_format
from model.picture_errors import (
    CorruptImage,
    EmptyImage,
    NotAnImage,
    TooManyPixels,
    UnreadableImage,
    UnsupportedImageFormat,
)

_PLUGINS = (AvifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin)
_FORMATS_FOR_PEOPLE = "JPEG, PNG, WebP and AVIF"

# The errors of Pillow's readers on broken files; UserWarning is for programs that turn warnings into errors.
DECODER_ERRORS = (
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

_heif_registration = Lock()


def name_of(source: Path | bytes) -> str:
    """Return the name of a picture for messages."""
    return str(source) if isinstance(source, Path) else "the file"


@contextmanager
def open_header(source: Path | bytes, *, verify: bool = False) -> Iterator[Image.Image]:
    """Recognise the format and let Pillow read the header; the file is closed at the end of the block."""
    name = name_of(source)
    with _open_file(source, name) as (file, header):
        found = _check_format(header, name)
        formats = (*FORMATS, HEIF) if found == HEIF else FORMATS
        with decoder_errors(name, found):
            if verify and found == "PNG":
                # Pillow does not check the sums of the pixels; a flipped bit could pass unnoticed.
                Image.open(file, formats=formats).verify()
            image = _open_jpeg(file) if found == "JPEG" else Image.open(file, formats=formats)
        with image:
            yield image


def _open_jpeg(file: BinaryIO) -> Image.Image:
    """Open a JPEG without Pillow's limit of 179 megapixels, which assumes that all pixels are decoded."""
    file.seek(0)
    try:
        return JpegImagePlugin.jpeg_factory(file)
    except (SyntaxError, IndexError, TypeError, struct.error) as error:
        raise UnidentifiedImageError(str(error)) from error


@contextmanager
def _open_file(source: Path | bytes, name: str) -> Iterator[tuple[BinaryIO, bytes]]:
    """Return the open file and its first bytes."""
    with ExitStack() as stack:
        try:
            if isinstance(source, Path) and source.exists() and not source.is_file():
                raise UnreadableImage(f"{name} is not a regular file")  # opening a pipe would wait forever
            file: BinaryIO = BytesIO(source) if isinstance(source, bytes) else stack.enter_context(source.open("rb"))
            header = file.read(HEADER_SIZE_BYTES)
        except OSError as error:
            raise UnreadableImage(f"{name} cannot be read: {error.strerror}") from error
        yield file, header


def _check_format(header: bytes, name: str) -> str:
    """Return the format if it can be read."""
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
    """Add pillow-heif's reader to Pillow once; return False if it is not installed."""
    with _heif_registration:
        if HEIF not in Image.OPEN:
            try:
                import pillow_heif  # noqa: PLC0415 (optional, and needed only for HEIF files)
            except ImportError:
                return False
            pillow_heif.register_heif_opener(thumbnails=False)
    return True


@contextmanager
def decoder_errors(name: str, image_format: str | None) -> Iterator[None]:
    """Turn Pillow's errors into Placefix's errors."""
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
    except DECODER_ERRORS as error:
        if (
            isinstance(error, OSError) and error.errno is not None
        ):  # an error of the disk; Pillow's own errors have no number
            raise UnreadableImage(f"{name} cannot be read: {error.strerror}") from error
        raise CorruptImage(
            f"{name} starts like {image_format}, but cannot be decoded ({error}): copy or export it again"
        ) from error
