"""What a map takes on the disk, by kind of file."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from place_map import layout
from place_map.manifest import Manifest


@dataclass(frozen=True)
class Sizes:
    """Bytes of a version, and of what lies beside it.

    Attributes:
        global_features: Of all segments, dead rows included, as everything below.
        local_features: Likewise.
        thumbnails: Likewise.
        tables: Of the places.
        index: The shortlist index.
        left_out: The list of pictures that are not in the map.
        other_versions: How many versions there are besides the one that is described.
        beside: Bytes of files that do not belong to the version: other versions, and segments that only they have.
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
        """Bytes of the version together, without its manifest."""
        return self.global_features + self.local_features + self.thumbnails + self.tables + self.index + self.left_out


def measure_sizes(map_path: Path, manifest: Manifest) -> Sizes:
    """Adds up sizes: those of the version as its manifest states them, those of the rest as they are on the disk.

    Args:
        map_path: Directory of the map.
        manifest: Of the version.

    Raises:
        OSError: A folder of the map cannot be listed.
    """
    segments = manifest.segments
    versions = _names(map_path / layout.VERSIONS) - {manifest.version}
    own_segments = {segment.id for segment in segments}
    beside = [layout.version_dir(map_path, version) for version in versions]
    beside += [layout.segment_dir(map_path, name) for name in _names(map_path / layout.SEGMENTS) - own_segments]
    return Sizes(
        global_features=sum(segment.files[layout.GLOBALS].bytes for segment in segments),
        local_features=sum(segment.files[layout.LOCALS].bytes for segment in segments),
        thumbnails=sum(segment.thumbnails.bytes for segment in segments),
        tables=sum(segment.files[layout.PLACES].bytes for segment in segments),
        index=manifest.index.file.bytes,
        left_out=manifest.left_out.bytes,
        other_versions=sum((layout.version_dir(map_path, version) / layout.MANIFEST).is_file() for version in versions),
        beside=sum(size for directory in beside for size in _file_sizes(directory)),
    )


def _names(folder: Path) -> set[str]:
    """Names of the directories in a folder."""
    return {path.name for path in folder.iterdir() if path.is_dir()}


def _file_sizes(directory: Path) -> Iterator[int]:
    pending = [os.fspath(directory)]  # os.walk calls itself for each level
    while pending:
        with suppress(FileNotFoundError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:  # an old version may be removed while it is measured; what has gone weighs nothing
                    with suppress(FileNotFoundError):
                        yield entry.stat(follow_symlinks=False).st_size
