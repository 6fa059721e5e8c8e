"""The files of a version on their way from an origin into the cache, where each counts once its sum is right."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from model.durable import publish
from place_map import layout
from place_map.exchange.cache import Cache
from place_map.exchange.names import Folder
from place_map.exchange.origin import CHUNK_BYTES, Origin
from place_map.exchange.published import wrong_sum
from place_map.exchange.transfer import Transfer
from place_map.file_sum import FileSum
from place_map.manifest import Manifest
from place_map.place_file import listed_thumbnails, read_places
from place_map.shard import Shard


@dataclass(frozen=True)
class CachedFile:
    """Hold the path of a file below the origin, in the cache and below the map."""

    source: str
    cached: Path
    in_map: str
    expected: FileSum


@dataclass(frozen=True)
class Missing:
    """Count the files of a version that the cache lacks, and the bytes that it has.

    Attributes:
        files: The number of missing files.
        bytes: Their bytes, without those that are here of a file that was begun.
        present_bytes: All bytes that are here.
    """

    files: int
    bytes: int
    present_bytes: int


def count_missing(cache: Cache, folders: list[Folder], manifest: Manifest, shard: Shard | None) -> Missing:
    """Count the files of a version, or of a part of it, that the cache lacks.

    Args:
        cache: The cache.
        folders: The folders of the segments, then of codes and of the version.
        manifest: The manifest of the version.
        shard: The part, which has no thumbnails; None for the whole version.
    """
    files = missing_bytes = present_bytes = 0
    for folder in folders:
        for file in files_of(cache, folder):
            is_there = _size(file.cached) == file.expected.bytes
            here = file.expected.bytes if is_there else min(max(_size(_part(file.cached)), 0), file.expected.bytes)
            files += not is_there
            missing_bytes += file.expected.bytes - here
            present_bytes += here
    for folder, segment in zip(folders, manifest.segments if shard is None else (), strict=False):
        if not segment.loose_thumbnail_bytes:
            continue
        directory = cache.directory(folder) / layout.LOOSE_THUMBNAILS
        sizes = [path.stat().st_size for path in directory.glob("*.jpg")] if directory.is_dir() else []
        files += segment.thumbnails.count - len(sizes)
        missing_bytes += segment.thumbnails.bytes - sum(sizes)
        present_bytes += sum(sizes)
    return Missing(files, missing_bytes, present_bytes)


def files_of(cache: Cache, folder: Folder) -> Iterator[CachedFile]:
    """Yield the files of a folder, without thumbnails that have a file each."""
    for name, expected in folder.files.items():
        yield _file(cache, folder, name, expected)


def thumbnails_of(cache: Cache, folders: list[Folder], manifest: Manifest) -> list[CachedFile]:
    """Return the thumbnails that have a file each, which the tables of segments list."""
    return [
        _file(cache, folder, f"{layout.LOOSE_THUMBNAILS}/{layout.thumbnail_name(row)}", expected)
        for folder, segment in zip(folders, manifest.segments, strict=False)  # other folders follow
        if segment.loose_thumbnail_bytes
        for row, expected in listed_thumbnails(read_places(cache.directory(folder) / layout.PLACES, segment.rows))
    ]


def _file(cache: Cache, folder: Folder, name: str, expected: FileSum) -> CachedFile:
    return CachedFile(f"{folder.at_origin}/{name}", cache.directory(folder) / name, f"{folder.in_map}/{name}", expected)


def bring(origin: Origin, map_dir: Path, transfer: Transfer, check_sums: bool, files: list[CachedFile]) -> None:
    """Bring files into the cache that are not there.

    Args:
        origin: The origin.
        map_dir: The map; a whole file in it is taken instead of one from the origin.
        transfer: The threads, and the count of bytes.
        check_sums: Whether files that are there are read, and brought anew if they are damaged. Then their bytes are
            counted, too.
        files: The files.

    Raises:
        OriginError: The origin cannot be reached, or a file there has another sum.
        OSError: The disk cannot be written to.
    """

    def bring_one(file: CachedFile) -> None:
        if _size(file.cached) == file.expected.bytes:
            if not check_sums:
                return
            if FileSum.of(file.cached) == file.expected:
                transfer.advanced(file.expected.bytes)
                return
            file.cached.unlink()
        part = _part(in_folder(file.cached.parent, file.cached.name))
        begun_bytes = max(_size(part), 0)
        own = map_dir / file.in_map
        if _size(own) == file.expected.bytes and FileSum.of(own) == file.expected:
            os.link(own, file.cached)
            transfer.advanced(file.expected.bytes - (0 if check_sums else begun_bytes))
        else:
            transfer.advanced(begun_bytes if check_sums else 0)
            _download(origin, file, part, begun_bytes, transfer)

    transfer.run([partial(bring_one, file) for file in files])


def _download(origin: Origin, file: CachedFile, part: Path, begun_bytes: int, transfer: Transfer) -> None:
    """Download a file, behind the bytes that an earlier run has left of it.

    Raises:
        OriginError: The file has another sum, and no byte of it is from an earlier run.
    """
    digest = sha256()
    with part.open("a+b") as stream:
        stream.seek(0)
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
        for chunk in origin.read(file.source, begun_bytes, file.expected.bytes):
            stream.write(chunk)
            digest.update(chunk)
            transfer.advanced(len(chunk))
    if digest.hexdigest() == file.expected.sha256:
        publish(part, file.cached)
        return
    part.unlink()
    if not begun_bytes:
        raise wrong_sum(origin, file.source)
    _download(origin, file, part, 0, transfer)  # the beginning may be from a disk that lost power


def is_table(file: CachedFile) -> bool:
    """Return whether a file is the table of a segment, which lists the thumbnails."""
    return file.cached.name == layout.PLACES


def in_folder(directory: Path, name: str) -> Path:
    """Return the path of a file whose directory is made if it is missing."""
    directory.mkdir(parents=True, exist_ok=True)
    return directory / name


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _size(path: Path) -> int:
    """Return the bytes of a file; -1 if there is none."""
    return path.stat().st_size if path.is_file() else -1
