"""The way of a version from an origin to a map (``placefix map fetch``): into the cache, then by links into the map."""

import os
from dataclasses import dataclass
from pathlib import Path

from model.durable import rename_durably, sync, write_atomically
from model.progress import SILENT, Progress
from place_map import layout
from place_map.activation import serve
from place_map.builder_lock import staging_path
from place_map.current import Current
from place_map.errors import MapExists
from place_map.exchange.bringing import (
    CachedFile,
    bring,
    count_missing,
    files_of,
    in_folder,
    is_table,
    thumbnails_of,
)
from place_map.exchange.cache import Cache
from place_map.exchange.names import segment_folders, version_folders, version_path
from place_map.exchange.origin import Origin
from place_map.exchange.published import find_version, name_of, named_version, read_version, wrong_sum
from place_map.exchange.transfer import Transfer
from place_map.manifest import Manifest
from place_map.reader import PlaceMap
from place_map.shard import Shard
from place_map.unfinished import STAGED_MAP, changing, check_no_change_is_unfinished, clean_up
from place_map.versions import existing_versions, read_current, read_manifest, read_pointer


@dataclass(frozen=True)
class Fetched:
    """Report the fetch of a version.

    Attributes:
        version: The version that the map serves now, or would serve after a trial.
        before: The version that it served before; None if there was no map.
        files: The number of files that were missing here.
        bytes: Their bytes, without the bytes of an interrupted run.
    """

    version: str
    before: str | None
    files: int
    bytes: int


def fetch_version(
    origin: Origin,
    map_dir: Path,
    *,
    version: str | None = None,
    shard: Shard | None = None,
    check_sums: bool = False,
    is_trial: bool = False,
    progress: Progress = SILENT,
) -> Fetched:
    """Bring a version of an origin into a map, and serve it.

    Files come into the cache beside the map, where each counts once its sum is right. Then the map gets them as links,
    ``CURRENT`` last, after the version has been opened for a trial. Whenever the process is killed, the map serves the
    old version or the new one; the same call continues in the middle of a file.

    Args:
        origin: The origin.
        map_dir: The map; it is made if it is not there.
        version: The version; by default the one that the origin names.
        shard: The part of the map whose files are wanted, without thumbnails that have a file each, and without an
            index in one file; by default the whole.
        check_sums: Whether files that are here are read again, and fetched anew if they are damaged.
        is_trial: Whether to compare alone, and to write nothing.
        progress: The display, which is advanced by bytes.

    Raises:
        InvalidInput: The origin does not have this version, or the map has fewer segments than shards.
        MapExists: The map has a version or a segment of the same number and other content, or is another folder.
        MapCorrupt: ``CURRENT`` at the origin is damaged, or the version cannot be opened.
        MapVersionUnsupported: A newer release wrote the version.
        MapBusy: Another process changes the map.
        BuildConflict: A change of the map is unfinished.
        OriginError: The origin cannot be reached, or a file there has another sum than the manifest says.
        StorageError: The disk is full, or cannot be written to.
    """
    pointer, content, manifest = _find(origin, version)
    folders = [*segment_folders(manifest, shard), *version_folders(manifest, content, shard)]
    cache = Cache(map_dir)
    if is_trial:
        missing = count_missing(cache, folders, manifest, shard)
        return Fetched(manifest.version, _check_fits(map_dir, manifest, pointer, origin), missing.files, missing.bytes)
    with changing(map_dir):
        check_no_change_is_unfinished(map_dir)
        before = _check_fits(map_dir, manifest, pointer, origin)
        missing = count_missing(cache, folders, manifest, shard)
        cache.make_room(missing.bytes, folders)
        progress.started(missing.bytes + missing.present_bytes, 0 if check_sums else missing.present_bytes)
        transfer = Transfer(progress)
        files = [file for folder in folders for file in files_of(cache, folder)]
        bring(origin, map_dir, transfer, check_sums, [file for file in files if is_table(file)])
        files += [] if shard is not None else thumbnails_of(cache, folders, manifest)
        bring(origin, map_dir, transfer, check_sums, [file for file in files if not is_table(file)])
        cache.mark_used(folders)
        _publish(map_dir, files, pointer, shard)
    return Fetched(manifest.version, before, missing.files, missing.bytes)


def _find(origin: Origin, version: str | None) -> tuple[Current, bytes, Manifest]:
    """Read the manifest of the wanted version."""
    if version is not None:
        return read_version(origin, find_version(origin, version))
    named = named_version(origin)
    found = read_version(origin, name_of(named))
    if found[0] != named:
        raise wrong_sum(origin, f"{version_path(named)}/{layout.MANIFEST}")
    return found


def _check_fits(map_dir: Path, manifest: Manifest, pointer: Current, origin: Origin) -> str | None:
    """Return the served version of the map, if the map has nothing else under a number that is to come."""
    if not map_dir.exists() or (map_dir.is_dir() and not any(map_dir.iterdir())):
        return None
    if not (map_dir / layout.CURRENT).is_file():
        raise MapExists(f"{map_dir} is there, and is not a map: give a path where nothing is")
    wanted = {segment.id: segment.files for segment in manifest.segments}
    for version in existing_versions(map_dir):
        if version == pointer.version and read_pointer(map_dir, version) != pointer:
            raise MapExists(
                f"{map_dir} has another version {version} than {origin.name}: it was changed here, or another map was "
                "published there. Fetch into another path"
            )
        found = read_manifest(map_dir, version)
        if _are_other_codes(found, manifest):
            raise MapExists(
                f"{map_dir} has other codes in its version {version} than {origin.name} in version {pointer.version}: "
                "it was changed here, or another map was published there. Fetch into another path"
            )
        for segment in found.segments:
            if wanted.get(segment.id, segment.files) != segment.files:
                raise MapExists(
                    f"{map_dir} has another segment {segment.id} in its version {version} than {origin.name} in "
                    f"version {pointer.version}: it was changed here, or another map was published there. Fetch into "
                    "another path"
                )
    return read_current(map_dir).version


def _are_other_codes(one: Manifest, other: Manifest) -> bool:
    """Return whether two versions have different files of codes under the same number."""
    if one.index.codes is None or other.index.codes is None or one.index.codes.number != other.index.codes.number:
        return False
    files, others = (manifest.index.files(manifest.version) for manifest in (one, other))
    return any(files[name] != others[name] for name in files.keys() & others.keys())


def _publish(map_dir: Path, files: list[CachedFile], pointer: Current, shard: Shard | None) -> None:
    """Link the files of a version into the map, and serve it."""
    staging = staging_path(map_dir)
    staged = staging / STAGED_MAP
    for file in files:
        os.link(file.cached, in_folder((staged / file.in_map).parent, file.cached.name))
    version_dir = layout.version_dir(staged, pointer.version)
    (version_dir / layout.POINTER).write_bytes(pointer.to_bytes())
    sync(version_dir / layout.POINTER)
    is_new = not (map_dir / layout.CURRENT).exists()
    if is_new:
        write_atomically(staged / layout.CURRENT, pointer.to_bytes())
        PlaceMap.open(staged, shard=shard).close()
    for directory, _, _ in os.walk(staged, topdown=False):
        sync(Path(directory))
    if is_new:
        rename_durably(staged, map_dir)
    else:
        for kind in (layout.SEGMENTS, layout.CODES, layout.VERSIONS):
            for folder in sorted((staged / kind).glob("*")):
                (map_dir / kind).mkdir(exist_ok=True)
                _move_into(folder, map_dir / kind / folder.name)
        serve(map_dir, pointer, shard)
    clean_up(staging)


def _move_into(source: Path, target: Path) -> None:
    """Move a folder to where a folder of the same content, or of a part of it, may be; the manifest comes last."""
    if not target.exists():
        rename_durably(source, target)
        return
    for entry in sorted(source.iterdir(), key=lambda entry: (entry.name == layout.MANIFEST, entry.name)):
        there = target / entry.name
        if entry.is_dir():
            _move_into(entry, there)
        elif not there.exists() or not there.samefile(entry):
            entry.replace(there)
    (target / layout.PRUNED).unlink(missing_ok=True)
    sync(target)
