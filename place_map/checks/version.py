"""The check of every byte of an open version against its sums, for readers that check while they answer."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from place_map import layout
from place_map.errors import MapCorrupt
from place_map.file_sum import FileSum
from place_map.place_file import read_places
from place_map.reader import PlaceMap
from place_map.stored_thumbnails import loose_thumbnails

_BYTES_AT_A_TIME = 2**22

OnBytes = Callable[[int], None]
"""Takes the number of bytes read since the last call; an exception from it ends the check."""


def check_version(place_map: PlaceMap, on_bytes: OnBytes = lambda _: None, only: Path | None = None) -> int:
    """Read all files of a version, or one of them.

    Args:
        place_map: The version.
        on_bytes: A function for progress, pauses and stopping.
        only: The one file to read.

    Returns:
        The number of bytes read.

    Raises:
        MapCorrupt: A file has changed; the message names it.
    """
    total_bytes = 0
    for path, expected in _files(place_map):
        if only not in (None, path):
            continue
        try:
            found = _sum_of(path, on_bytes)
        except OSError as error:
            raise MapCorrupt(f"{path} cannot be read: {error}; run placefix verify {place_map.path}", path) from error
        if found != expected:
            raise MapCorrupt(
                f"{path} is damaged: its size or SHA-256 has changed; run placefix verify {place_map.path}",
                path,
            )
        total_bytes += expected.bytes
        if only is not None:
            break
    return total_bytes


def _files(place_map: PlaceMap) -> Iterator[tuple[Path, FileSum]]:
    for name, expected in place_map.files.items():
        yield place_map.path / name, expected
    for segment in place_map.segments:
        directory = layout.segment_dir(place_map.path, segment.id)
        if segment.loose_thumbnail_bytes:
            yield from loose_thumbnails(directory, segment, read_places(directory / layout.PLACES, segment.rows))


def _sum_of(path: Path, on_bytes: OnBytes) -> FileSum:
    digest, size = hashlib.sha256(), 0
    with path.open("rb", buffering=0) as file:
        while part := file.read(_BYTES_AT_A_TIME):
            digest.update(part)
            size += len(part)
            on_bytes(len(part))
    return FileSum(bytes=size, sha256=digest.hexdigest())
