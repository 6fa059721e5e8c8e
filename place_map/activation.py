"""The change of the served version of a map: ``placefix map activate``, ``rollback``, and the end of every change."""

from dataclasses import dataclass
from pathlib import Path

from model.durable import write_atomically
from model.errors import InvalidInput
from place_map import layout
from place_map.current import Current
from place_map.reader import PlaceMap
from place_map.shard import Shard
from place_map.unfinished import changing, check_no_change_is_unfinished
from place_map.versions import existing_versions, read_current, read_manifest, read_pointer


@dataclass(frozen=True)
class Move:
    """Describe a move of ``CURRENT``.

    Attributes:
        before: The version that was served.
        after: The version that is served.
    """

    before: str
    after: str


def activate_version(map_dir: Path, version: str) -> Move:
    """Open another version of a map for a trial, and serve it.

    Args:
        map_dir: The map.
        version: The number of the version, with or without leading zeros.

    Raises:
        MapNotFound: There is no map.
        InvalidInput: The map has no version of this number.
        MapCorrupt: The version cannot be opened; the served version stays.
        BuildConflict: A change of the map is unfinished.
        MapBusy: Another process changes the map.
        StorageError: The map cannot be written to.
    """
    read_current(map_dir)  # before a directory is made for a folder that is not a map
    with changing(map_dir):
        check_no_change_is_unfinished(map_dir)
        before = read_current(map_dir)
        pointer = read_pointer(map_dir, version)
        serve(map_dir, pointer)
        return Move(before.version, pointer.version)


def roll_back(map_dir: Path) -> Move:
    """Serve the version again from which the served one was made.

    Raises:
        InvalidInput: The served version is the first, or its parent has been removed.
        MapError: See ``activate_version``.
    """
    manifest = read_manifest(map_dir)
    if manifest.parent is None:
        raise InvalidInput(f"version {manifest.version} of {map_dir} is the first: there is none to go back to")
    if manifest.parent not in existing_versions(map_dir):
        raise InvalidInput(
            f"version {manifest.version} of {map_dir} was made from {manifest.parent}, which has been removed; it has "
            f"{', '.join(existing_versions(map_dir))}: placefix map activate {map_dir} VERSION"
        )
    return activate_version(map_dir, manifest.parent)


def serve(map_dir: Path, pointer: Current, shard: Shard | None = None) -> None:
    """Open a version for a trial, and move ``CURRENT`` to it; the caller holds the lock of the map.

    Before format 3, only ``CURRENT`` had the line of the served version: the line is first written beside the manifest.

    Args:
        map_dir: The map.
        pointer: The line of the version.
        shard: The part of the map whose files are here; by default all are.

    Raises:
        MapCorrupt: The version cannot be opened; the served version stays.
        OSError: The map cannot be written to.
    """
    PlaceMap.open(map_dir, pointer.version, shard).close()
    current = read_current(map_dir)
    if pointer == current:
        return
    line = layout.version_dir(map_dir, current.version) / layout.POINTER
    if not line.exists():
        write_atomically(line, current.to_bytes())
    write_atomically(map_dir / layout.CURRENT, pointer.to_bytes())
