"""The versions of a map, the served one among them, and their manifests."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from place_map import layout
from place_map.current import Current
from place_map.errors import MapCorrupt, MapNotFound, VersionNotFound
from place_map.manifest import Manifest
from place_map.manifest_parsing import parse_manifest
from place_map.version_hold import VersionHold


def read_current(path: Path) -> Current:
    """Read which version is served.

    Raises:
        MapNotFound: There is no map.
        MapCorrupt: ``CURRENT`` is damaged, or cannot be read.
    """
    current_path = path / layout.CURRENT
    with _readable(current_path):
        is_there = current_path.is_file()
    if not is_there:
        what = "has no file CURRENT, so it is not a map" if path.is_dir() else "is not there"
        raise MapNotFound(f"{path} {what}; build one with: placefix build --source PHOTOS --weights FILE --out {path}")
    return _read_line(current_path, path)


def read_pointer(path: Path, version: str) -> Current:
    """Read the line of a version, which is the content of ``CURRENT`` while it is served.

    Args:
        path: Directory of the map.
        version: Six digits, or the number without its zeros.

    Raises:
        VersionNotFound: The map does not have this version.
        MapCorrupt: The line is damaged, or cannot be read.
    """
    current = read_current(path)
    version = version.zfill(len(layout.FIRST_NUMBER))
    if version == current.version:
        return current
    if version not in existing_versions(path):
        raise _not_found(path, version)
    with _unless_removed(path, version):
        return _read_line(layout.version_dir(path, version) / layout.POINTER, path)


def read_manifest(path: Path, version: str | None = None) -> Manifest:
    """Read the manifest of a version, and check its sum.

    Args:
        path: Directory of the map.
        version: The version; by default the served one.

    Raises:
        MapNotFound: There is no map.
        VersionNotFound: The map does not have this version, or no longer has it.
        MapCorrupt: Files are damaged or contradict each other.
        MapVersionUnsupported: A newer release wrote the map.
    """
    pointer = read_current(path) if version is None else read_pointer(path, version)
    with _unless_removed(path, pointer.version):
        return manifest_of(path, pointer)


def manifest_of(path: Path, pointer: Current) -> Manifest:
    """Read the manifest that a line names, and check its sum.

    Raises:
        MapCorrupt: The manifest is missing, has another sum, or contradicts itself.
        MapVersionUnsupported: A newer release wrote the map.
    """
    manifest_path = layout.version_dir(path, pointer.version) / layout.MANIFEST
    try:
        content = manifest_path.read_bytes()
    except OSError as error:
        raise MapCorrupt(f"the manifest of {path} cannot be read: {error}; run placefix verify {path}") from error
    if sha256(content).hexdigest() != pointer.manifest_sha256:
        raise MapCorrupt(
            f"{manifest_path} is not the file that {path / layout.CURRENT} names: its SHA-256 is another; run placefix "
            f"verify {path}"
        )
    manifest = parse_manifest(content, manifest_path)
    if manifest.version != pointer.version:
        raise MapCorrupt(f"{manifest_path} says that it is version {manifest.version}")
    return manifest


def hold_version(path: Path, version: str | None = None) -> tuple[Manifest, VersionHold]:
    """Read a manifest, and keep its version from being removed while the hold lives.

    Raises:
        MapError: See ``read_manifest``.
    """
    while True:
        pointer = read_current(path) if version is None else read_pointer(path, version)
        try:
            return _hold(path, pointer)
        except VersionNotFound:
            if version is not None or read_current(path) == pointer:
                raise
            # Meanwhile another version is served, and this one has been removed.


def existing_versions(path: Path) -> list[str]:
    """List the versions that a map has, the oldest first, without removed ones.

    Raises:
        MapCorrupt: The map's folders cannot be read.
    """
    with _readable(path / layout.VERSIONS):
        names = [layout.version_of(number) for number in layout.version_numbers(path)]
        return [name for name in names if (layout.version_dir(path, name) / layout.MANIFEST).exists()]


def next_version(path: Path) -> str:
    """Return the first number that was never the number of a version."""
    return layout.version_of(max(layout.version_numbers(path), default=0) + 1)


def next_segment(path: Path) -> int:
    """Return the first number that was never the number of a segment, including segments of removed versions.

    Raises:
        MapCorrupt: A manifest is damaged.
    """
    numbers = [1, *(number + 1 for number in layout.segment_numbers(path))]
    for version in existing_versions(path):
        manifest = read_manifest(path, version)
        numbers += [manifest.next_segment or 1, *(int(segment.id) + 1 for segment in manifest.segments)]
    for number in layout.version_numbers(path):
        pruned = layout.version_dir(path, layout.version_of(number)) / layout.PRUNED
        if pruned.exists():
            numbers.append(int(pruned.read_text("ascii")))
    return max(numbers)


@dataclass(frozen=True)
class Version:
    """Describe a version of a map in a list.

    Attributes:
        manifest: The manifest of the version.
        is_current: Whether it is the served version.
        own_bytes: The bytes of files that no other version has, which its removal would free.
    """

    manifest: Manifest
    is_current: bool
    own_bytes: int


def list_versions(path: Path) -> list[Version]:
    """List all versions of a map, the oldest first, without those that are removed meanwhile.

    Raises:
        MapError: See ``read_manifest``.
    """
    current = read_current(path)
    manifests = []
    for version in existing_versions(path):
        with suppress(VersionNotFound):
            manifests.append(read_manifest(path, version))
    used = Counter(name for manifest in manifests for name in manifest.files)
    holders = Counter(segment.id for manifest in manifests for segment in manifest.segments)
    found = []
    for manifest in manifests:
        own = sum(file.bytes for name, file in manifest.files.items() if used[name] == 1) + len(manifest.to_json())
        own += sum(segment.loose_thumbnail_bytes for segment in manifest.segments if holders[segment.id] == 1)
        found.append(Version(manifest, manifest.version == current.version, own))
    return found


def _hold(path: Path, pointer: Current) -> tuple[Manifest, VersionHold]:
    with _unless_removed(path, pointer.version):
        manifest = manifest_of(path, pointer)
    manifest_path = layout.version_dir(path, pointer.version) / layout.MANIFEST
    with _readable(manifest_path):
        try:
            hold = VersionHold(manifest_path)
            manifest_path.stat()
        except FileNotFoundError as error:
            raise _not_found(path, pointer.version) from error
    return manifest, hold


def _read_line(line_path: Path, path: Path) -> Current:
    try:
        return Current.parse(line_path.read_bytes(), line_path)
    except OSError as error:
        raise MapCorrupt(
            f"{line_path} cannot be read: {os.strerror(error.errno or 0)}; run placefix verify {path}"
        ) from error


def _not_found(path: Path, version: str) -> VersionNotFound:
    existing = ", ".join(existing_versions(path))
    return VersionNotFound(f"the map {path.absolute().name} has no version {version}; it has {existing}")


@contextmanager
def _unless_removed(path: Path, version: str) -> Iterator[None]:
    """Turn damage in a version into VersionNotFound, if the version has been removed meanwhile.

    The version that ``CURRENT`` names is never removed: a missing file in it is damage.
    """
    try:
        yield
    except MapCorrupt as error:
        if version in existing_versions(path) or version == read_current(path).version:
            raise
        raise _not_found(path, version) from error


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn an error of the disk, or of a network share, into MapCorrupt."""
    try:
        yield
    except OSError as error:
        raise MapCorrupt(f"{path} cannot be read: {error}", path) from error
