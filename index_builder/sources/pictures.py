"""The pictures of a folder and of the folders in it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from index_builder.errors import SourceError
from place_map import layout

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif"})


OnUnreadable = Callable[[str, str], None]
"""Called with the path of a folder that cannot be listed, which ends in ``/``, and with the reason."""


def find_pictures(root: Path, on_unreadable: OnUnreadable | None = None) -> tuple[str, ...]:
    """List the pictures below a folder, by suffix (in any case).

    Hidden files and folders (a dot in front), maps and names with other suffixes are passed over. Links are followed;
    a folder that can be reached in several ways is listed once, so a link to a folder above it does no harm. Whether a
    listed name stands for a file that can be read is not looked at.

    Args:
        root: An existing folder.
        on_unreadable: Told about each folder below that cannot be listed; without it the first one is an error.

    Returns:
        POSIX paths below the folder; each folder's pictures by name, before those of its subfolders, by name too.

    Raises:
        SourceError: The folder cannot be listed, or there is no picture at all.
    """
    pictures = tuple(_walk(root, on_unreadable))
    if not pictures:
        suffixes = ", ".join(sorted(PICTURE_SUFFIXES))
        raise SourceError(
            f"{root} holds no pictures: looked for files that end in {suffixes}, in its subfolders too, except "
            "those that cannot be listed"
        )
    return pictures


def printable(name: str) -> str:
    """A file name as text: bytes that are not UTF-8 are written as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _walk(root: Path, on_unreadable: OnUnreadable | None) -> Iterator[str]:
    seen: set[tuple[int, int]] = set()
    pending = [""]  # not by recursion: folders may be nested deeper than calls
    while pending:
        prefix = pending.pop()
        try:
            found = _list(root / prefix, seen)
        except OSError as error:
            reason = error.strerror or str(error)
            if on_unreadable is None or not prefix:
                raise SourceError(f"{printable(str(root / prefix))} cannot be listed: {reason}") from error
            on_unreadable(prefix, reason)
            continue
        if found is None or _is_map(*found):
            continue
        folders, files = found
        yield from (prefix + entry.name for entry in files if Path(entry.name).suffix.lower() in PICTURE_SUFFIXES)
        pending += [f"{prefix}{entry.name}/" for entry in reversed(folders)]


def _list(folder: Path, seen: set[tuple[int, int]]) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]] | None:
    """Return the visible folders and files in a folder by name; None if it was listed before.

    Broken links and pipes are listed as files, so that they are reported.
    """
    status = folder.stat()
    if (status.st_dev, status.st_ino) in seen:
        return None
    seen.add((status.st_dev, status.st_ino))
    folders: list[os.DirEntry[str]] = []
    files: list[os.DirEntry[str]] = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if not entry.name.startswith("."):
                (folders if _is_folder(entry) else files).append(entry)
    return folders, files


def _is_map(folders: list[os.DirEntry[str]], files: list[os.DirEntry[str]]) -> bool:
    """Whether a folder is a map of ours, whose pictures are thumbnails of what it was built from."""
    has_version = any(entry.name == layout.CURRENT for entry in files)
    return has_version and any(entry.name == layout.SEGMENTS for entry in folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads to itself, or through what is no folder
