"""Remove versions (``placefix map prune``), and unfinished builds and changes (``placefix map abandon``)."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from model.durable import sync, write_atomically
from model.errors import InvalidInput
from place_map import layout
from place_map.builder_lock import staging_path
from place_map.errors import MapBusy
from place_map.unfinished import changing, check_no_change_is_unfinished, read_plan, throw_away
from place_map.unlisted import remove_unlisted
from place_map.version_hold import only_holder
from place_map.versions import (
    existing_versions,
    next_segment,
    read_current,
    read_manifest,
    read_pointer,
)


@dataclass(frozen=True)
class Pruned:
    """Report the versions and segments that were removed.

    Attributes:
        versions: The numbers of the versions.
        segments: Ids of segments that no other version had; also of versions that a killed run has half removed.
        freed_bytes: Bytes of the versions and their segments, without manifests.
    """

    versions: tuple[str, ...]
    segments: tuple[str, ...]
    freed_bytes: int


def prune_versions(map_dir: Path, *, keep: int | None = None, versions: Sequence[str] = ()) -> Pruned:
    """Remove versions, and the segments that no other version has.

    Args:
        map_dir: The map.
        keep: The number of newest versions to keep, beside the served one.
        versions: The versions to remove, instead of ``keep``.

    Raises:
        InvalidInput: A version does not exist or is served; or neither or both of ``keep`` and ``versions`` are given.
        MapBusy: A version is being read; nothing was removed.
        BuildConflict: A change of the map is unfinished.
        StorageError: The map cannot be written to.
    """
    if (keep is None) == (not versions):
        raise InvalidInput("say either how many versions to keep, or which to remove")
    if keep is not None and keep < 1:
        raise InvalidInput(f"keep at least one version, not {keep}")
    read_current(map_dir)  # before a directory is made for a path that is not a map
    with changing(map_dir):
        check_no_change_is_unfinished(map_dir)
        current = read_current(map_dir).version
        existing = existing_versions(map_dir)
        half_removed = _half_removed(map_dir)
        swept = _sweep(map_dir)
        if keep is not None:
            doomed = [version for version in existing[:-keep] if version != current]
        else:
            named = {version.zfill(len(layout.FIRST_NUMBER)) for version in versions} - half_removed
            doomed = sorted({read_pointer(map_dir, version).version for version in named})
        if current in doomed:
            raise InvalidInput(f"version {current} of {map_dir} is served; activate another one before you remove it")
        pruned = _remove(map_dir, doomed)
        return replace(pruned, segments=(*swept, *pruned.segments))


def abandon_change(map_dir: Path) -> bool:
    """Throw away the work of an interrupted build or change; return whether there was one.

    Raises:
        MapNotFound: There is no map, and no unfinished build of one.
        MapBusy: Another process is still at work on it.
    """
    path = staging_path(map_dir)
    if not path.is_dir():
        read_current(map_dir)  # before a directory is made for a path that is not a map
    with changing(map_dir):
        is_there = read_plan(path) is not None
        throw_away(map_dir)
        return is_there


def _remove(map_dir: Path, doomed: Sequence[str]) -> Pruned:
    manifests = [read_manifest(map_dir, version) for version in doomed]
    following = next_segment(map_dir)
    with ExitStack() as stack:
        for version in doomed:
            manifest_path = layout.version_dir(map_dir, version) / layout.MANIFEST
            if not stack.enter_context(only_holder(manifest_path)):
                raise MapBusy(
                    f"version {version} of {map_dir} is being read; stop or restart its reader. Nothing was removed"
                )
        newest = layout.version_of(max(layout.version_numbers(map_dir)))
        for version in doomed:
            directory = layout.version_dir(map_dir, version)
            if version == newest:  # so that its number is not given again
                write_atomically(directory / layout.PRUNED, f"{following}\n".encode("ascii"))
            (directory / layout.MANIFEST).unlink()  # from now on the version does not exist
            sync(directory)
        segments = _sweep(map_dir)
    kept = {name for version in existing_versions(map_dir) for name in read_manifest(map_dir, version).files}
    files = {name: file.bytes for manifest in manifests for name, file in manifest.files.items() if name not in kept}
    loose = {each.id: each.loose_thumbnail_bytes for manifest in manifests for each in manifest.segments}
    return Pruned(tuple(doomed), segments, sum(files.values()) + sum(loose.get(name, 0) for name in segments))


def _half_removed(map_dir: Path) -> set[str]:
    """Return the versions that a run was removing when it was killed."""
    half_removed = set()
    for number in layout.version_numbers(map_dir):
        entries = {entry.name for entry in layout.version_dir(map_dir, layout.version_of(number)).iterdir()}
        if layout.MANIFEST not in entries and entries != {layout.PRUNED}:
            half_removed.add(layout.version_of(number))
    return half_removed


def _sweep(map_dir: Path) -> tuple[str, ...]:
    """Remove files that belong to no version, also those that a killed run has left.

    Returns:
        The ids of the segments that were removed.
    """
    for number in layout.version_numbers(map_dir):
        directory = layout.version_dir(map_dir, layout.version_of(number))
        if (directory / layout.MANIFEST).exists():
            continue
        if not (directory / layout.PRUNED).exists():
            shutil.rmtree(directory)
            continue
        for entry in directory.iterdir():
            if entry.name != layout.PRUNED:
                entry.unlink()
    removed = remove_unlisted(map_dir)
    sync(map_dir / layout.VERSIONS)
    return removed
