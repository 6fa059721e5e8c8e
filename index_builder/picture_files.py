"""A picture file, read once for the network and for the map."""

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from index_builder.sources.pictures import printable
from index_builder.thumbnails import make_thumbnail
from model.images import DEFAULT_LIMITS, ImageLimits
from model.picture_errors import ImageError, UnreadableImage
from model.places import Place
from model.preprocess import Preparation, open_for, preprocess

_MAX_FILE_BYTES = 512 * 2**20  # a picture of the most pixels allowed, uncompressed in 16 bits with transparency


@dataclass(frozen=True)
class DecodedPicture:
    """Hold a picture that is ready for the network.

    Attributes:
        place: The picture's id, path and position.
        pixels: ``(3, H, W)`` float32.
        content_sha256: The SHA-256 of the bytes that were decoded.
        thumbnail: A small JPEG, or None if none is wanted.
        stamp: State of the file.
    """

    place: Place
    pixels: Tensor
    content_sha256: str
    thumbnail: bytes | None
    stamp: str


@dataclass(frozen=True)
class RejectedPicture:
    """Describe a picture that cannot be used.

    Attributes:
        place: The picture's id, path and position.
        code: The stable code of the error, from ``model.errors``.
        reason: A sentence for people.
        stamp: State of the file.
        content_sha256: The SHA-256 of the file's bytes; None if they cannot be read.
    """

    place: Place
    code: str
    reason: str
    stamp: str
    content_sha256: str | None


def decode_picture(
    place: Place, preparation: Preparation, limits: ImageLimits = DEFAULT_LIMITS, *, thumbnail: bool
) -> DecodedPicture | RejectedPicture:
    """Read and decode a picture; return an error of the picture as a value, so that the other pictures continue."""
    stamp = file_stamp(place.path)
    content_sha256: str | None = None
    try:
        content = _read(place.path)
        content_sha256 = hashlib.sha256(content).hexdigest()
        image = open_for(preparation, content, limits)
    except ImageError as error:
        return RejectedPicture(place, error.code, error.message, stamp, content_sha256)
    return DecodedPicture(
        place=place,
        pixels=preprocess(image, preparation),
        content_sha256=content_sha256,
        thumbnail=make_thumbnail(image) if thumbnail else None,
        stamp=stamp,
    )


def content_sum(path: Path) -> str | None:
    """Return the SHA-256 of the bytes of a picture's file, as the map keeps it; None if they cannot be read."""
    try:
        return hashlib.sha256(_read(path)).hexdigest()
    except UnreadableImage:
        return None


def file_stamp(path: Path) -> str:
    """Return the size and time of change of a file; a file with another stamp has to be read again."""
    try:
        status = path.stat()
    except OSError as error:
        return f"errno {error.errno}"
    return f"{status.st_size} {status.st_mtime_ns}"


def source_base(root: Path) -> Path:
    """Return the folder at which the paths of a source start: the source itself, or the folder of its CSV file."""
    return root if root.is_dir() else root.parent


def source_path(path: Path, base: Path) -> str:
    """Return a picture's path below the base of its source with ``/``, or its absolute path if it lies elsewhere."""
    below = path.relative_to(base) if path.is_relative_to(base) else path.absolute()
    return printable(below.as_posix())


def _read(path: Path) -> bytes:
    """Read the bytes of a picture, once, so that the same bytes are hashed and decoded."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise UnreadableImage("it is not a regular file")
        if status.st_size > _MAX_FILE_BYTES:
            raise UnreadableImage(f"the file has {status.st_size:,} bytes; at most {_MAX_FILE_BYTES:,} are read")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"the file cannot be read: {error.strerror}") from error
