"""The check of every file of a map against its sum: the manifest by ``CURRENT``, files by the manifest, thumbnails that
have a file each by the tables.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from model.durable import pending_path, sha256_of
from model.progress import Progress
from place_map import layout
from place_map.builder_lock import staging_path
from place_map.checks.manifests import check_manifests
from place_map.checks.problem import Problem, ProblemKind, unreadable
from place_map.errors import MapCorrupt, MapNotFound
from place_map.file_sum import FileSum
from place_map.manifest import Manifest
from place_map.place_file import listed_thumbnails, read_places
from place_map.segment import Segment
from place_map.stored_thumbnails import loose_thumbnails

_FOLDERS = (layout.SEGMENTS, layout.VERSIONS, layout.CODES)


@dataclass(frozen=True)
class FileCheck:
    """Hold the result of the check.

    Attributes:
        manifest: The manifest of the served version; None if it cannot be read.
        versions: All versions with readable manifests, the oldest first.
        problems: All problems.
        notes: Facts that are worth knowing and are not problems.
        files: Number of files that were read.
        bytes: Bytes of these files.
    """

    manifest: Manifest | None
    versions: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    files: int
    bytes: int


def check_files(path: Path, progress: Progress) -> FileCheck:
    """Read every byte of all versions of a map.

    Args:
        path: Directory of the map.
        progress: The display, which is advanced by bytes.

    Raises:
        MapNotFound: The directory does not exist.
        MapVersionUnsupported: A newer release wrote the map.
    """
    if not path.is_dir():
        raise MapNotFound(f"{path} is not there")
    found = check_manifests(path)
    problems, names = list(found.problems), set(found.names)
    sums = _sums(found.manifests, problems)
    segments = {segment.id: segment for manifest in found.manifests for segment in manifest.segments}
    thumbnail_bytes = sum(segment.loose_thumbnail_bytes for segment in segments.values())
    progress.started(sum(file.bytes for file in sums.values()) + thumbnail_bytes, 0)
    total_bytes = 0
    for name, file in chain(sums.items(), _thumbnails_of(path, segments.values(), problems)):
        names.add(name)
        total_bytes += file.bytes
        problems += _check_file(path, name, file)
        progress.advanced(file.bytes)
    # The list in a damaged table is unknown, so none of its thumbnails is called a stray.
    unknown = {
        f"{layout.SEGMENTS}/{segment.id}/{layout.LOOSE_THUMBNAILS}"
        for segment in segments.values()
        if any(problem.path == _table_name(segment) for problem in problems)
    }
    strays = list(_find_strays(path, names | unknown))
    notes = []
    if not found.are_all_known:  # the list in a damaged manifest is unknown, too
        strays = [name for name in strays if PurePosixPath(name).parts[0] not in _FOLDERS]
    elif staging_path(path).is_dir():
        begun = [name for name in strays if _may_be_half_published(PurePosixPath(name))]
        strays = [name for name in strays if name not in begun]
        if begun:
            notes.append(f"{', '.join(begun)}: of a change that was interrupted while it was published")
    if (pending := pending_path(Path(layout.CURRENT)).name) in strays:
        strays.remove(pending)
        notes.append(f"{pending}: of a version that was not activated to its end; the next change removes it")
    problems += [Problem(name, ProblemKind.STRAY, "it belongs to no version of the map") for name in strays]
    return FileCheck(
        manifest=found.current,
        versions=tuple(manifest.version for manifest in found.manifests),
        problems=tuple(problems),
        notes=tuple(notes),
        files=len(names),
        bytes=total_bytes,
    )


def _may_be_half_published(name: PurePosixPath) -> bool:
    """Return whether a change puts files of this name into a map before a version lists them."""
    return name.parts[0] == layout.CODES or (name.parent.name in _FOLDERS and len(name.parts) == 2)


def _sums(manifests: Iterable[Manifest], problems: list[Problem]) -> dict[str, FileSum]:
    """Return the sum of each file that a manifest names; add a problem for sums that contradict each other."""
    sums: dict[str, FileSum] = {}
    for manifest in manifests:
        for name, file in manifest.files.items():
            if sums.setdefault(name, file) != file:
                message = f"version {manifest.version} states another sum of it than an older version"
                problems.append(Problem(name, ProblemKind.STRUCTURE, message))
    return sums


def _thumbnails_of(path: Path, segments: Iterable[Segment], problems: list[Problem]) -> Iterator[tuple[str, FileSum]]:
    """Return the thumbnails that have a file each; add a problem for a table that cannot be read, or lists others than
    the manifest counts.
    """
    for segment in segments:
        table_name = _table_name(segment)
        if any(problem.path == table_name for problem in problems):
            continue
        try:
            table = read_places(path / table_name, segment.rows)
        except MapCorrupt as error:
            problems.append(Problem(table_name, ProblemKind.STRUCTURE, error.message))
            continue
        listed = [file.bytes for _, file in listed_thumbnails(table)]
        if (len(listed), sum(listed)) != (segment.thumbnails.count, segment.thumbnails.bytes):
            problems.append(
                Problem(
                    table_name,
                    ProblemKind.STRUCTURE,
                    f"it lists {len(listed)} thumbnails of {sum(listed):,} bytes, the manifest "
                    f"{segment.thumbnails.count} of {segment.thumbnails.bytes:,}",
                )
            )
        directory = Path(layout.SEGMENTS, segment.id)
        yield from ((name.as_posix(), file) for name, file in loose_thumbnails(directory, segment, table))


def _table_name(segment: Segment) -> str:
    return f"{layout.SEGMENTS}/{segment.id}/{layout.PLACES}"


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
        yield unreadable(name, error)


def _find_strays(path: Path, expected: set[str]) -> Iterator[str]:
    """List files and directories that belong to no version; list a stray directory without its content."""
    directories = {str(parent) for name in expected for parent in PurePosixPath(name).parents}

    def walk(directory: Path, prefix: str) -> Iterator[str]:
        with os.scandir(directory) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False) and name in directories:
                yield from walk(directory / entry.name, name + "/")
            elif name not in expected:
                yield name

    yield from walk(path, "")
