"""Every file of a map against its sum: the manifest by ``CURRENT``, files by the manifest, thumbnails by the tables."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from index_builder.checks.problem import Problem, ProblemKind
from index_builder.place_map import layout
from index_builder.place_map.manifest import Current, FileSum, Manifest, Segment, parse_manifest
from index_builder.place_map.place_table import listed_thumbnails, read_places
from index_builder.progress import Progress
from model.durable import sha256_of
from model.errors import MapCorrupt, MapNotFound

_HEX_DIGITS_BY_CHANCE = 32  # two sums of different content agree in 4 of 64 digits, and never in half of them


@dataclass(frozen=True)
class FileCheck:
    """What was found.

    Attributes:
        manifest: None if it could not be read; then nothing else was looked at.
        problems: Everything that is wrong.
        files: Number of files that were read.
        bytes: Of these.
    """

    manifest: Manifest | None
    problems: tuple[Problem, ...]
    files: int
    bytes: int


def check_files(path: Path, progress: Progress) -> FileCheck:
    """Reads every byte of a map.

    Args:
        path: Directory of the map.
        progress: Told about bytes.

    Raises:
        MapNotFound: There is no such directory.
        MapVersionUnsupported: Written by a newer release.
    """
    if not path.is_dir():
        raise MapNotFound(f"{path} is not there")
    found = _read_manifest(path)
    if isinstance(found, Problem):
        return FileCheck(None, (found,), 1, 0)
    manifest = found
    progress.started(manifest.total_bytes, 0)
    current, manifest_name = layout.CURRENT, f"{layout.VERSIONS}/{manifest.version}/{layout.MANIFEST}"
    expected = {current, manifest_name}
    problems: list[Problem] = []
    total_bytes = 0
    for name, file in _expected_files(path, manifest, problems):
        expected.add(name)
        total_bytes += file.bytes
        problems += _check_file(path, name, file)
        progress.advanced(file.bytes)
    # What a damaged table lists is not known, so nothing among its thumbnails is called a stray.
    unknown = {
        f"{layout.SEGMENTS}/{segment.id}/{layout.THUMBNAILS}"
        for segment in manifest.segments
        if any(problem.path == _table_name(segment) for problem in problems)
    }
    problems += _find_strays(path, expected | unknown)
    return FileCheck(manifest, tuple(problems), len(expected), total_bytes)


def _read_manifest(path: Path) -> Manifest | Problem:
    try:
        current = Current.parse((path / layout.CURRENT).read_bytes(), path / layout.CURRENT)
    except OSError as error:
        return _unreadable(layout.CURRENT, error)
    except MapCorrupt as error:
        return Problem(layout.CURRENT, ProblemKind.STRUCTURE, error.message)
    if not layout.version_dir(path, current.version).is_dir():
        message = f"it names version {current.version}, which is not there"
        return Problem(layout.CURRENT, ProblemKind.STRUCTURE, message)
    name = f"{layout.VERSIONS}/{current.version}/{layout.MANIFEST}"
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        return _unreadable(name, error)
    digest = sha256(content).hexdigest()
    if digest != current.manifest_sha256:
        is_pointer_damaged = _agreement(digest, current.manifest_sha256) > _HEX_DIGITS_BY_CHANCE
        damaged = layout.CURRENT if is_pointer_damaged else name
        return Problem(damaged, ProblemKind.CHECKSUM, "the manifest has another SHA-256 than CURRENT says")
    try:
        manifest = parse_manifest(content, path / name)
    except MapCorrupt as error:
        return Problem(name, ProblemKind.STRUCTURE, error.message)
    if manifest.version != current.version:
        return Problem(name, ProblemKind.STRUCTURE, f"it says that it is version {manifest.version}")
    return manifest


def _agreement(digest: str, other: str) -> int:
    return sum(a == b for a, b in zip(digest, other, strict=True))


def _expected_files(path: Path, manifest: Manifest, problems: list[Problem]) -> Iterator[tuple[str, FileSum]]:
    """All files with sums; what keeps a table from being read is added to the problems."""
    yield from manifest.files.items()
    for segment in manifest.segments:
        table_name = _table_name(segment)
        if any(problem.path == table_name for problem in problems):
            continue  # its sum is wrong, so its columns say nothing
        try:
            thumbnails = list(_thumbnails(path / table_name, segment))
        except MapCorrupt as error:
            problems.append(Problem(table_name, ProblemKind.STRUCTURE, error.message))
            continue
        total = sum(file.bytes for _, file in thumbnails)
        if (len(thumbnails), total) != (segment.thumbnails.count, segment.thumbnails.bytes):
            problems.append(
                Problem(
                    table_name,
                    ProblemKind.STRUCTURE,
                    f"it lists {len(thumbnails)} thumbnails of {total:,} bytes, the manifest "
                    f"{segment.thumbnails.count} of {segment.thumbnails.bytes:,}",
                )
            )
        yield from thumbnails


def _table_name(segment: Segment) -> str:
    return f"{layout.SEGMENTS}/{segment.id}/{layout.PLACES}"


def _thumbnails(table_path: Path, segment: Segment) -> Iterator[tuple[str, FileSum]]:
    for row, file in listed_thumbnails(read_places(table_path, segment.rows)):
        yield str(PurePosixPath(layout.SEGMENTS, segment.id, layout.THUMBNAILS, layout.thumbnail_name(row))), file


def _check_file(path: Path, name: str, expected: FileSum) -> Iterator[Problem]:
    file = path / name
    try:
        if file.is_symlink() or not file.is_file():
            what = "it is not there" if not file.exists() else "it is not a regular file"
            yield Problem(name, ProblemKind.MISSING, what)
            return
        size = file.stat().st_size
        if size != expected.bytes:
            yield Problem(name, ProblemKind.SIZE, f"it has {size:,} bytes instead of {expected.bytes:,}")
        elif sha256_of(file) != expected.sha256:
            yield Problem(name, ProblemKind.CHECKSUM, "its SHA-256 is another: its bytes have changed")
    except OSError as error:
        yield _unreadable(name, error)


def _find_strays(path: Path, expected: set[str]) -> Iterator[Problem]:
    """Files and directories that belong to nothing; of a stray directory only the directory."""
    directories = {str(parent) for name in expected for parent in PurePosixPath(name).parents}

    def walk(directory: Path, prefix: str) -> Iterator[Problem]:
        with os.scandir(directory) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False) and name in directories:
                yield from walk(directory / entry.name, name + "/")
            elif name not in expected:
                yield Problem(name, ProblemKind.STRAY, "it belongs to no version of the map")

    yield from walk(path, "")


def _unreadable(name: str, error: OSError) -> Problem:
    if isinstance(error, FileNotFoundError):
        return Problem(name, ProblemKind.MISSING, "it is not there")
    return Problem(name, ProblemKind.UNREADABLE, f"it cannot be read: {error.strerror}")
