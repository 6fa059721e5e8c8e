"""The removal of files that no version of a map lists."""

import shutil
from pathlib import Path

from model.durable import sync
from place_map import layout
from place_map.versions import existing_versions, read_manifest


def remove_unlisted(map_dir: Path, first_segment: int = 1) -> tuple[str, ...]:
    """Remove segments and codes that no version lists; the caller holds the lock of the map.

    Args:
        map_dir: The map.
        first_segment: The lowest number of a segment that is removed.

    Returns:
        The ids of the segments that were removed.

    Raises:
        MapError: A manifest cannot be read.
        OSError: A file cannot be removed.
    """
    manifests = [read_manifest(map_dir, version) for version in existing_versions(map_dir)]
    segments = {segment.id for manifest in manifests for segment in manifest.segments}
    names = {name for manifest in manifests for name in manifest.index.files(manifest.version)}
    numbers = (number for number in layout.segment_numbers(map_dir) if number >= first_segment)
    removed = tuple(each for each in map(layout.segment_id_of, numbers) if each not in segments)
    for segment in removed:
        shutil.rmtree(layout.segment_dir(map_dir, segment))
    codes = map_dir / layout.CODES
    for directory in sorted(codes.iterdir()) if codes.is_dir() else ():
        if not directory.is_dir():
            continue  # not of a map; a check reports it
        for path in directory.iterdir():
            if path.relative_to(map_dir).as_posix() not in names:
                path.unlink()
        if not any(directory.iterdir()):
            directory.rmdir()
    if codes.is_dir() and not any(codes.iterdir()):
        codes.rmdir()
    if (map_dir / layout.SEGMENTS).is_dir():
        sync(map_dir / layout.SEGMENTS)
    return removed
