"""The pictures of a folder and of the folders in it."""

import os
from collections.abc import Iterator
from pathlib import Path

from index_builder.errors import SourceError
from place_map import layout

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif"})


def find_pictures(root: Path) -> tuple[str, ...]:
    """Lists the pictures below a folder, by suffix (in any case).

    Hidden files and folders (a dot in front), maps and names with other suffixes are passed over. Links are followed;
    a folder that can be reached in several ways is listed once, so a link to a folder above it does no harm. Whether a
    listed name stands for a file that can be read is not looked at.

    Args:
        root: An existing folder.

    Returns:
        POSIX paths below the folder; each folder's pictures by name, before those of its subfolders, by name too.

    Raises:
        SourceError: A folder cannot be listed, or there is no picture at all.
    """
    pictures = tuple(_walk(root, "", set()))
    if not pictures:
        suffixes = ", ".join(sorted(PICTURE_SUFFIXES))
        raise SourceError(f"{root} holds no pictures: looked for files that end in {suffixes}, in its subfolders too")
    return pictures


def printable(name: str) -> str:
    """A file name as text: bytes that are not UTF-8 are written as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _walk(folder: Path, prefix: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            visible = sorted(
                (entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name
            )
            folders: list[os.DirEntry[str]] = []
            files: list[os.DirEntry[str]] = []
            for entry in visible:  # broken links and pipes are listed as files, so that they are reported
                (folders if _is_folder(entry) else files).append(entry)
    except OSError as error:
        raise SourceError(f"{printable(str(folder))} cannot be listed: {error.strerror}") from error
    if _is_map(folders, files):
        return
    for entry in files:
        if Path(entry.name).suffix.lower() in PICTURE_SUFFIXES:
            yield prefix + entry.name
    for entry in folders:
        yield from _walk(folder / entry.name, f"{prefix}{entry.name}/", seen)


def _is_map(folders: list[os.DirEntry[str]], files: list[os.DirEntry[str]]) -> bool:
    """Whether a folder is a map of ours, whose pictures are thumbnails of what it was built from."""
    has_version = any(entry.name == layout.CURRENT for entry in files)
    return has_version and any(entry.name == layout.SEGMENTS for entry in folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads to itself, or through what is no folder
