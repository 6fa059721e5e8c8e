"""The photos that a command is given: files, folders, globs, and standard input."""

import glob
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from index_builder.errors import SourceError
from index_builder.sources.pictures import PICTURE_SUFFIXES, find_pictures, printable
from model.errors import InvalidInput
from model.image_formats import HEADER_SIZE_BYTES, recognise_format
from placefix.client.question import refuse_address

STANDARD_INPUT = "-"

Unreadable = Callable[[str, str], None]
"""A function that is called with a folder that cannot be listed, and with the reason."""


@dataclass(frozen=True)
class GivenPhoto:
    """Describe a photo to ask about.

    Attributes:
        name: The name in answers: the path as it was given, or found below a folder; ``-`` for standard input.
        source: The file of the photo, or its bytes.
        below: The path below the folder that was given; the file name, if the file itself was given.
    """

    name: str
    source: Path | bytes
    below: str = STANDARD_INPUT

    @property
    def file(self) -> Path:
        """Return the file of the photo.

        Raises:
            InvalidInput: The photo came from standard input.
        """
        if isinstance(self.source, bytes):
            raise InvalidInput("a photo from standard input has no file to write a position to: pipe paths")
        return self.source


@dataclass(frozen=True)
class GivenPhotos:
    """Hold the photos that were given.

    Attributes:
        photos: The photos in the order of the arguments, in folders by name; at least one.
        is_single: Whether the only argument was one file, so that one answer is expected.
    """

    photos: tuple[GivenPhoto, ...]
    is_single: bool

    @property
    def each_once(self) -> tuple[GivenPhoto, ...]:
        """Return the photos without those that are the same file as an earlier one."""
        found: dict[object, GivenPhoto] = {}
        for photo in self.photos:
            found.setdefault(_identity(photo), photo)
        return tuple(found.values())


def given_photos(arguments: Sequence[str], standard_input: BinaryIO, on_unreadable: Unreadable) -> GivenPhotos:
    """Find the photos for the arguments of a command.

    A folder stands for the pictures in it and in its subfolders, by suffix. A name with ``*``, ``?`` or ``[`` that is
    not a file stands for the pictures that match it. ``-`` is standard input: a photo, or a list of arguments, one a
    line.

    Args:
        arguments: The arguments as they were given.
        standard_input: The input that is read for the argument ``-``.
        on_unreadable: The function that is called for each subfolder that cannot be listed.

    Raises:
        InvalidInput: An argument is an address, does not exist, or stands for no picture.
    """
    photos = tuple(_found(arguments, standard_input, on_unreadable))
    is_single = len(photos) == len(arguments) == 1 and _is_itself(photos[0], arguments[0])
    return GivenPhotos(photos, is_single)


def _is_itself(photo: GivenPhoto, argument: str) -> bool:
    """Return whether an argument is one photo, not a pattern or folder that may stand for several."""
    return isinstance(photo.source, bytes) or photo.source == Path(argument)


def _identity(photo: GivenPhoto) -> object:
    return os.path.realpath(photo.source) if isinstance(photo.source, Path) else photo.source


def _found(arguments: Iterable[str], standard_input: BinaryIO, on_unreadable: Unreadable) -> Iterator[GivenPhoto]:
    for argument in arguments:
        if argument == STANDARD_INPUT:
            yield from _from_standard_input(standard_input, on_unreadable)
        else:
            yield from _from_argument(argument, on_unreadable)


def _from_standard_input(standard_input: BinaryIO, on_unreadable: Unreadable) -> Iterator[GivenPhoto]:
    if standard_input.isatty():
        raise InvalidInput("standard input is a terminal: pipe a photo into it, or paths, one a line")
    content = standard_input.read()
    if not content.strip():
        raise InvalidInput("standard input is empty: pipe a photo into it, or paths, one a line")
    if recognise_format(content[:HEADER_SIZE_BYTES]) is not None:
        yield GivenPhoto(STANDARD_INPUT, content)
        return
    separator = b"\0" if b"\0" in content else b"\n"
    for line in content.split(separator):
        name = os.fsdecode(line.rstrip(b"\r"))
        if name.strip():
            if any(ord(character) < ord(" ") for character in name):
                raise InvalidInput(
                    "standard input is neither a photo nor a list of paths: it begins with "
                    f"{content[:8]!r}; JPEG, PNG, WebP and AVIF are read"
                )
            yield from _from_argument(name, on_unreadable)


def _from_argument(argument: str, on_unreadable: Unreadable) -> Iterator[GivenPhoto]:
    refuse_address(argument)
    path = Path(argument)
    if _is_there(path):
        yield from _from_path(path, on_unreadable)
        return
    if not glob.has_magic(argument):
        raise InvalidInput(f"{printable(argument)} is not there: give a photo, a folder of photos, or -")
    matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 (the user's own pattern, with its folder)
    pictures = [Path(match) for match in matches if Path(match).suffix.lower() in PICTURE_SUFFIXES]
    if not pictures:
        raise InvalidInput(f"{printable(argument)} matches no picture")
    for picture in pictures:
        yield from _from_path(picture, on_unreadable)


def _from_path(path: Path, on_unreadable: Unreadable) -> Iterator[GivenPhoto]:
    if not path.is_dir():
        yield GivenPhoto(printable(str(path)), path, path.name)
        return
    try:
        names = find_pictures(path, lambda folder, reason: on_unreadable(printable(str(path / folder)), reason))
    except SourceError as error:
        raise InvalidInput(error.message) from error
    for name in names:
        yield GivenPhoto(printable(str(path / name)), path / name, name)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False  # a name that is too long for any file


def bytes_input(stream: object) -> BinaryIO:
    """Return the bytes behind a text stream, as ``sys.stdin``."""
    buffer = getattr(stream, "buffer", None)
    return buffer if buffer is not None else io.BytesIO()
