"""Whether the files of a version are those of its manifest: what is checked before it is read.

``place_map.checks`` looks at everything; this is what a reader can wait for.
"""

from collections.abc import Mapping
from pathlib import Path

from model.durable import sha256_of
from place_map import layout
from place_map.errors import MapCorrupt
from place_map.file_sum import FileSum


def check_sizes(path: Path, files: Mapping[str, FileSum]) -> None:
    """Compare the size of every file with the manifest.

    Args:
        path: Directory of the map.
        files: Path below it → size and sum, of what is read.

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
    """Compare what a search reads as a whole with its sums: index and global features.

    Args:
        path: Directory of the map.
        files: Path below it → size and sum, of what is read.

    Raises:
        MapCorrupt: One of the files is not the one that was written.
    """
    for name, expected in files.items():
        file = path / name
        if file.name not in (layout.INDEX, layout.GLOBALS):
            continue
        try:
            found_sha256 = sha256_of(file)
        except OSError as error:
            raise MapCorrupt(f"{file} cannot be read: {error}; run placefix verify {path}", file) from error
        if found_sha256 != expected.sha256:
            raise MapCorrupt(f"{file} is damaged: its SHA-256 is not the manifest's; run placefix verify {path}", file)
