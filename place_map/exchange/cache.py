"""The cache beside a fetched map: ``.NAME.cache``, with the names that an origin gives to its folders.

The files of the map are hard links to those of the cache. So they take room once, the map needs no cache when it is
read, and a folder whose files have no other name is listed by no version of the map: it can go when room is needed, the
one that was not used for longest first. Until then a version that comes back needs no transfer.
"""

import os
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from model.errors import StorageError
from place_map import layout
from place_map.exchange.names import Folder


@dataclass(frozen=True)
class _Unlisted:
    """Describe a folder that no version of the map lists."""

    path: Path
    used_s: float
    bytes: int


class Cache:
    """Keep files by the folders of the origin.

    Args:
        map_dir: The map.

    Attributes:
        path: The directory of the cache.
    """

    def __init__(self, map_dir: Path) -> None:
        self.path = map_dir.parent / f".{map_dir.name}.cache"

    def directory(self, folder: Folder) -> Path:
        """Return the directory for the files of a folder."""
        return self.path / folder.at_origin

    def mark_used(self, folders: Collection[Folder]) -> None:
        """Make folders the last ones to go."""
        for folder in folders:
            if (directory := self.directory(folder)).is_dir():
                os.utime(directory)

    def make_room(self, size: int, wanted: Collection[Folder]) -> None:
        """Remove unlisted folders until the disk has room.

        Args:
            size: The bytes that are to come.
            wanted: Folders that stay.

        Raises:
            StorageError: There is too little room even then; nothing was removed.
        """
        disk = next(each for each in self.path.absolute().parents if each.exists())
        free = shutil.disk_usage(disk).free
        unlisted = self._unlisted(wanted)
        removable = sum(each.bytes for each in unlisted)
        if free + removable < size:
            raise StorageError(
                f"{disk} has room for {free:,} bytes, {removable:,} more without the segments in {self.path} that no "
                f"version lists, and {size:,} are to come. Make room there, or remove old versions: placefix map prune"
            )
        self._remove(unlisted, size - free)

    def trim(self, most_bytes: int) -> int:
        """Remove unlisted folders until the others take at most this many bytes; return how many were freed."""
        unlisted = self._unlisted(())
        return self._remove(unlisted, sum(each.bytes for each in unlisted) - most_bytes)

    def _unlisted(self, wanted: Collection[Folder]) -> list[_Unlisted]:
        kept = {self.directory(folder) for folder in wanted}
        found = []
        for kind in (layout.SEGMENTS, layout.CODES, layout.VERSIONS):
            directories = (self.path / kind).iterdir() if (self.path / kind).is_dir() else ()
            for directory in sorted(directories):
                states = [path.stat() for path in _files_below(directory)]
                if directory not in kept and all(state.st_nlink == 1 for state in states):
                    size = sum(state.st_size for state in states)
                    found.append(_Unlisted(directory, directory.stat().st_mtime, size))
        return sorted(found, key=lambda each: each.used_s)

    @staticmethod
    def _remove(unlisted: list[_Unlisted], size: int) -> int:
        freed = 0
        for each in unlisted:
            if freed >= size:
                break
            shutil.rmtree(each.path)
            freed += each.bytes
        return freed


def _files_below(directory: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(directory):
        for name in names:
            yield Path(parent, name)
