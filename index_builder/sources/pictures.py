"""The pictures of a folder and of the folders in it."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.listing import EXCLUDED
from index_builder.sources.notes import NOTE_SUFFIXES
from index_builder.sources.rules import is_excluded
from place_map import layout

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".insp", ".png", ".webp", ".avif", ".heic", ".heif", ".hif"}
)

# Folders that network drives and computers keep beside people's pictures: thumbnails, deleted files and copies of
# earlier days. Those that begin with a dot, such as .@__thumb, are hidden anyway.
_FOLDERS_OF_MACHINES = frozenset(
    {
        "@eadir",
        "#recycle",
        "@recycle",
        "@recently-snapshot",
        "#snapshot",
        "$recycle.bin",
        "recycler",
        "system volume information",
        "__macosx",
    }
)

OnUnreadable = Callable[[str, str], None]
"""A function that is called with the path of a folder that cannot be listed, with ``/`` at its end, and the reason."""


@dataclass
class FoundPictures:
    """Hold the files of a folder.

    Attributes:
        pictures: POSIX paths below it; each folder's pictures by name, before its subfolders', by name too.
        notes: Path of a folder, empty or with ``/`` at its end → names of the files in it that may belong to pictures.
        passed_over: Suffix (``.tif``, empty for none), name of a folder (``@eaDir/``) or ``EXCLUDED`` → how many.
    """

    pictures: list[str] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    passed_over: Counter[str] = field(default_factory=Counter)

    def add(self, prefix: str, names: Iterator[str]) -> None:
        """Add the files of a folder, by name."""
        for name in names:
            suffix = Path(name).suffix.lower()
            if suffix in PICTURE_SUFFIXES:
                self.pictures.append(prefix + name)
            elif suffix in NOTE_SUFFIXES:
                self.notes.setdefault(prefix, []).append(name)
            else:
                self.passed_over[suffix] += 1


def find_pictures(root: Path, on_unreadable: OnUnreadable | None = None) -> tuple[str, ...]:
    """List the pictures below a folder, as ``explore`` finds them.

    Raises:
        SourceError: The folder cannot be listed, or there is no picture at all.
    """
    return tuple(explore(root, on_unreadable=on_unreadable).pictures)


def explore(root: Path, exclude: tuple[str, ...] = (), on_unreadable: OnUnreadable | None = None) -> FoundPictures:
    """List the pictures below a folder, by suffix (in any case), and the files beside them.

    Hidden files and folders (a dot in front), maps, folders that machines keep for themselves and names with other
    suffixes are passed over. Links are followed; a folder that can be reached in several ways is listed once, so a link
    to a folder above it does no harm. Whether a listed name stands for a file that can be read is not looked at.

    Args:
        root: An existing folder.
        exclude: Patterns, as in ``index_builder.sources.rules.is_excluded``.
        on_unreadable: A function that gets each folder that cannot be listed; without it the first one is an error.

    Raises:
        SourceError: The folder cannot be listed, or there is no picture at all.
    """
    found = FoundPictures()
    _walk(root, exclude, on_unreadable, found)
    if not found.pictures:
        suffixes = ", ".join(sorted(PICTURE_SUFFIXES))
        others = told_of_passed_over(found.passed_over)
        raise SourceError(
            f"{root} holds no pictures: looked for files that end in {suffixes}, in its subfolders too, except "
            f"those that cannot be listed{f'; passed over: {others}' if others else ''}"
        )
    return found


def told_of_passed_over(passed_over: Mapping[str, int]) -> str:
    """Return a text about passed over files, the most frequent first: ``2 .tif, 1 folder @eaDir``; empty for none."""
    return ", ".join(
        f"{number:,} {_called(key, number)}"
        for key, number in sorted(passed_over.items(), key=lambda item: (-item[1], item[0]))
    )


def printable(name: str) -> str:
    """Return a file name as text: bytes that are not UTF-8 are written as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _called(key: str, number: int) -> str:
    if key == EXCLUDED:
        return f"by {EXCLUDED}"
    if key.endswith("/"):
        return f"{'folder' if number == 1 else 'folders'} {key[:-1]}"
    return printable(key) or "without a suffix"


def _walk(root: Path, exclude: tuple[str, ...], on_unreadable: OnUnreadable | None, found: FoundPictures) -> None:
    seen: set[tuple[int, int]] = set()
    pending = [""]  # without recursion, because folders may be nested deeper than calls
    while pending:
        prefix = pending.pop()
        try:
            inside = _list(root / prefix, seen)
        except OSError as error:
            reason = error.strerror or str(error)
            if on_unreadable is None or not prefix:
                raise SourceError(f"{printable(str(root / prefix))} cannot be listed: {reason}") from error
            on_unreadable(prefix, reason)
            continue
        if inside is None or _is_map(*inside):
            continue
        folders, files = inside
        if exclude:
            kept = [[name for name in names if not is_excluded(prefix + name, exclude)] for names in inside]
            found.passed_over[EXCLUDED] += len(folders) + len(files) - sum(map(len, kept))
            folders, files = kept
        found.add(prefix, iter(files))
        machines = [name for name in folders if name.lower() in _FOLDERS_OF_MACHINES]
        found.passed_over.update(f"{name}/" for name in machines)
        pending += [f"{prefix}{name}/" for name in reversed(folders) if name not in machines]
    found.passed_over = +found.passed_over


def _list(folder: Path, seen: set[tuple[int, int]]) -> tuple[list[str], list[str]] | None:
    """Return the names of the visible folders and files in a folder, sorted; None if it was listed before.

    Broken links and pipes are listed as files, so that they are reported.
    """
    status = folder.stat()
    if (status.st_dev, status.st_ino) in seen:
        return None
    seen.add((status.st_dev, status.st_ino))
    folders: list[str] = []
    files: list[str] = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if not entry.name.startswith("."):
                (folders if _is_folder(entry) else files).append(entry.name)
    return folders, files


def _is_map(folders: list[str], files: list[str]) -> bool:
    """Return whether a folder is a map of Placefix, whose pictures are only thumbnails."""
    return layout.CURRENT in files and layout.SEGMENTS in folders


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads to itself, or through something other than a folder
