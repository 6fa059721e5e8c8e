"""The way of a version from a map to an origin (``placefix map push``): segments first, ``CURRENT`` last."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from model.errors import InvalidInput
from model.progress import SILENT, Progress
from place_map import layout
from place_map.current import Current
from place_map.errors import OriginError, PublishConflict
from place_map.exchange.names import Folder, segment_folders, version_folders
from place_map.exchange.origin import Claim, Origin, Served
from place_map.exchange.transfer import Transfer, checked_chunks
from place_map.file_sum import FileSum
from place_map.manifest import Manifest
from place_map.place_file import listed_thumbnails, read_places
from place_map.versions import existing_versions, hold_version, read_pointer


@dataclass(frozen=True)
class Pushed:
    """Report the push of a version.

    Attributes:
        version: The version that the origin names now, or would name after a trial.
        before: The version that it named before; None if it named none.
        files: The number of files that were sent, or are missing there.
        bytes: Their bytes.
    """

    version: str
    before: str | None
    files: int
    bytes: int


@dataclass(frozen=True)
class _File:
    """Hold a file of the map and the path below the origin."""

    source: Path
    target: str
    expected: FileSum


def push_version(
    map_dir: Path,
    origin: Origin,
    *,
    version: str | None = None,
    replace: str | None = None,
    is_trial: bool = False,
    progress: Progress = SILENT,
) -> Pushed:
    """Send the files of a version that an origin lacks, and make the origin name this version.

    ``CURRENT`` is written when every file is there, and only if the origin still names the version that it named at
    the beginning. Whenever the process is killed, the origin names the old version or the new one, whole; the same call
    sends the missing files.

    Args:
        map_dir: The map.
        origin: The origin.
        version: The version; by default the served one.
        replace: The version at the origin to replace although this map does not have it.
        is_trial: Whether to compare alone, and to write nothing.
        progress: The display, which is advanced by bytes.

    Raises:
        InvalidInput: The map does not have this version; or the origin names another one than ``replace``.
        MapCorrupt: A file of the map differs from the manifest; it was not sent.
        PublishConflict: The origin names a version that this map does not have, or another publisher was faster.
        MapBusy: Another process publishes to the same directory, or prunes the origin.
        OriginError: The origin cannot be reached.
        StorageError: The origin is a directory that is full or cannot be written.
    """
    manifest, hold = hold_version(map_dir, version)
    pointer = read_pointer(map_dir, manifest.version)
    try:
        if is_trial:
            before = _replaceable(map_dir, origin, replace)
            missing = _missing(_files(map_dir, manifest), origin)
        else:
            with origin.publishing(_folders(map_dir, manifest)) as claim:
                before = _replaceable(map_dir, origin, replace)
                missing = _missing(_files(map_dir, manifest), origin)
                _send(missing, origin, progress)
                _publish(map_dir, manifest, pointer, before, origin, claim)
    finally:
        hold.release()
    return Pushed(
        version=manifest.version,
        before=None if before is None else before.pointer.version,
        files=len(missing),
        bytes=sum(file.expected.bytes for file in missing),
    )


def _replaceable(map_dir: Path, origin: Origin, replace: str | None) -> Served | None:
    """Return the version that the origin names, if this map may replace it."""
    served = origin.read_current()
    named = None if served is None else served.pointer.version
    if replace is not None:
        if named != replace.zfill(len(layout.FIRST_NUMBER)):
            raise InvalidInput(
                f"{origin.name} names {f'version {named}' if named else 'no version'}, not {replace}: name the one to "
                "replace, or leave --replace out"
            )
        return served
    if served is None:
        return None
    if named in existing_versions(map_dir) and read_pointer(map_dir, str(named)) == served.pointer:
        return served
    raise PublishConflict(
        f"{origin.name} names {_told(served.pointer)}, which {map_dir} does not have: another map was published "
        "there, or the version was pruned here. Fetch it, and make your change again on top of it; or, to replace it "
        f"nevertheless, give --replace {named}"
    )


def _files(map_dir: Path, manifest: Manifest) -> Iterator[_File]:
    """Yield all files of a version, segments first, the manifest last."""
    for folder, segment in zip(segment_folders(manifest), manifest.segments, strict=True):
        directory = map_dir / folder.in_map
        yield from _of_folder(map_dir, folder)
        if segment.loose_thumbnail_bytes:
            for row, expected in listed_thumbnails(read_places(directory / layout.PLACES, segment.rows)):
                name = f"{layout.LOOSE_THUMBNAILS}/{layout.thumbnail_name(row)}"
                yield _File(directory / name, f"{folder.at_origin}/{name}", expected)
    folders = version_folders(manifest, _content(map_dir, manifest))
    files = [file for folder in folders for file in _of_folder(map_dir, folder)]
    yield from sorted(files, key=lambda file: file.source.name == layout.MANIFEST)


def _folders(map_dir: Path, manifest: Manifest) -> list[str]:
    """Return the paths at an origin of all folders of a version."""
    folders = [*segment_folders(manifest), *version_folders(manifest, _content(map_dir, manifest))]
    return [folder.at_origin for folder in folders]


def _content(map_dir: Path, manifest: Manifest) -> bytes:
    return (layout.version_dir(map_dir, manifest.version) / layout.MANIFEST).read_bytes()


def _of_folder(map_dir: Path, folder: Folder) -> Iterator[_File]:
    for name, expected in folder.files.items():
        yield _File(map_dir / folder.in_map / name, f"{folder.at_origin}/{name}", expected)


def _missing(files: Iterator[_File], origin: Origin) -> list[_File]:
    """Return the files that the origin lacks; a file appears there whole, so its size says that it is the same."""
    there = origin.sizes(layout.SEGMENTS) | origin.sizes(layout.CODES) | origin.sizes(layout.VERSIONS)
    return [file for file in files if there.get(file.target) != file.expected.bytes]


def _send(missing: list[_File], origin: Origin, progress: Progress) -> None:
    total = sum(file.expected.bytes for file in missing)
    origin.check_room(total)
    progress.started(total, 0)
    transfer = Transfer(progress)

    def send(file: _File) -> None:
        origin.write(file.target, checked_chunks(file.source, file.expected, transfer.advanced), file.expected.bytes)

    jobs: dict[bool, list[Callable[[], None]]] = {False: [], True: []}
    for file in missing:
        jobs[file.target.startswith(layout.VERSIONS)].append(partial(send, file))
    transfer.run(jobs[False])
    transfer.run(jobs[True])


def _publish(
    map_dir: Path, manifest: Manifest, pointer: Current, before: Served | None, origin: Origin, claim: Claim
) -> None:
    """Look whether every file has arrived, and let the origin name the version."""
    if missing := _missing(_files(map_dir, manifest), origin):
        raise OriginError(
            f"{len(missing):,} files have not arrived at {origin.name}, or were removed meanwhile, {missing[0].target} "
            "among them; no version was published. The same command sends them again"
        )
    if before is not None and before.pointer == pointer:
        return
    claim.check()
    if origin.replace_current(pointer, before):
        return
    now = origin.read_current()
    if now is None or now.pointer != pointer:  # else our own request was answered twice, or a copy of this map won
        raise PublishConflict(
            f"{origin.name} should change from {_told(None if before is None else before.pointer)} to "
            f"{_told(pointer)}, but meanwhile another publisher changed it to "
            f"{_told(None if now is None else now.pointer)}. It was not changed again: fetch "
            "that version, and make your change on top of it"
        )


def _told(pointer: Current | None) -> str:
    if pointer is None:
        return "no version"
    return f"version {pointer.version} (manifest {pointer.manifest_sha256[:12]}…)"
