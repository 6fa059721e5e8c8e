"""The sizes of a map on the disk, by kind of file."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from place_map import layout
from place_map.manifest import Manifest


@dataclass(frozen=True)
class Sizes:
    """Hold the bytes of a version, and of the other files of the map.

    Attributes:
        global_features: The bytes of global features in all segments, including dead rows, as in all fields below.
        local_features: The bytes of local features.
        thumbnails: The bytes of thumbnails.
        tables: The bytes of the tables of places.
        index: The bytes of the files of the shortlist index; 0 for an index that is made when the map is opened.
        left_out: The bytes of the list of pictures that are not in the map.
        other_versions: The number of other versions.
        beside: The bytes of files that do not belong to the version: other versions, and their own segments.
    """

    global_features: int
    local_features: int
    thumbnails: int
    tables: int
    index: int
    left_out: int
    other_versions: int
    beside: int

    @property
    def version(self) -> int:
        """Return the bytes of the version together, without its manifest."""
        return self.global_features + self.local_features + self.thumbnails + self.tables + self.index + self.left_out


def measure_sizes(map_path: Path, manifest: Manifest) -> Sizes:
    """Add up sizes: the files of the version by its manifest, the others by the disk.

    Args:
        map_path: Directory of the map.
        manifest: The manifest of the version.

    Raises:
        OSError: A folder of the map cannot be listed.
    """
    segments = manifest.segments
    versions = _names(map_path / layout.VERSIONS) - {manifest.version}
    own_segments = {segment.id for segment in segments}
    beside = [layout.version_dir(map_path, version) for version in versions]
    beside += [layout.segment_dir(map_path, name) for name in _names(map_path / layout.SEGMENTS) - own_segments]
    listed = set(manifest.index.files(manifest.version))
    other_codes = [
        path for path in (map_path / layout.CODES).glob("*/*") if path.relative_to(map_path).as_posix() not in listed
    ]
    return Sizes(
        global_features=sum(segment.files[layout.GLOBALS].bytes for segment in segments),
        local_features=sum(segment.files[layout.LOCALS].bytes for segment in segments),
        thumbnails=sum(segment.thumbnails.bytes for segment in segments),
        tables=sum(segment.files[layout.PLACES].bytes for segment in segments),
        index=sum(file.bytes for file in manifest.index.files(manifest.version).values()),
        left_out=manifest.left_out.bytes,
        other_versions=sum((layout.version_dir(map_path, version) / layout.MANIFEST).is_file() for version in versions),
        beside=sum(size for directory in beside for size in _file_sizes(directory))
        + sum(path.stat().st_size for path in other_codes),
    )


def _names(folder: Path) -> set[str]:
    """Return the names of the directories in a folder."""
    return {path.name for path in folder.iterdir() if path.is_dir()}


def _file_sizes(directory: Path) -> Iterator[int]:
    pending = [os.fspath(directory)]  # os.walk calls itself for each level
    while pending:
        with suppress(FileNotFoundError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:  # an old version may be removed during the measurement; removed files count as 0 bytes
                    with suppress(FileNotFoundError):
                        yield entry.stat(follow_symlinks=False).st_size
