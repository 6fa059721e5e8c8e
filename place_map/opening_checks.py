"""The checks of the files of a version against its manifest before they are read.

``place_map.checks`` checks everything; these checks are quick enough for a reader to wait.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from model.durable import sha256_of
from place_map import layout
from place_map.errors import MapCorrupt
from place_map.file_sum import FileSum


def check_sizes(path: Path, files: Mapping[str, FileSum]) -> None:
    """Compare the size of every file with the manifest.

    Args:
        path: Directory of the map.
        files: Path below the map → size and sum, for the files that are read.

    Raises:
        MapCorrupt: A file has another size, or cannot be read.
    """
    for name, expected in files.items():
        try:
            size = (path / name).stat().st_size
        except OSError as error:
            raise MapCorrupt(f"{path / name} cannot be read: {error}; run placefix verify {path}") from error
        if size != expected.bytes:
            raise MapCorrupt(
                f"{path / name} has {size:,} bytes, the manifest says {expected.bytes:,}; run placefix verify {path}"
            )


def check_searched_files(path: Path, files: Mapping[str, FileSum]) -> None:
    """Compare the files that a search reads completely with their sums: the index and the global features.

    Args:
        path: Directory of the map.
        files: Path below the map → size and sum, for the files that are read.

    Raises:
        MapCorrupt: One of the files has changed.
    """
    for name, expected in files.items():
        file = path / name
        if file.name not in (layout.INDEX, layout.GLOBALS) and PurePosixPath(name).parts[0] != layout.CODES:
            continue
        try:
            found_sha256 = sha256_of(file)
        except OSError as error:
            raise MapCorrupt(f"{file} cannot be read: {error}; run placefix verify {path}", file) from error
        if found_sha256 != expected.sha256:
            raise MapCorrupt(f"{file} is damaged: its SHA-256 is not the manifest's; run placefix verify {path}", file)
