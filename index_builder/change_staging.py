"""Where a change of a map grows until it is published, and the lock under which anything of a map is changed.

It is the directory of a build (``index_builder.staging``): ``.NAME.building`` beside the map. New segments and the
directory of the new version are made there, then renamed into the map, one after the other; ``CURRENT`` moves last. So
until that instant readers have the old version, and a change that was killed, even while it was published, either goes
on or is thrown away: what it has put into the map is named by nothing.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from index_builder.staging import CHECKPOINTS, MAP, PLAN, Staging, clean_up, clear, has_finished_a_segment, read_plan
from model.durable import pending_path, rename_durably, sync, write_atomically
from model.errors import StorageError
from place_map import layout
from place_map.builder_lock import LOCK_FILE, builder_lock, staging_path
from place_map.current import Current
from place_map.errors import BuildConflict, MapExists
from place_map.manifest import Manifest
from place_map.versions import (
    existing_versions,
    next_segment,
    next_version,
    read_current,
    read_manifest,
)


@dataclass(frozen=True)
class ChangePlan:
    """What is being changed: an interrupted change is continued only by the same plan.

    Attributes:
        kind: The command.
        base: The version that is changed, and the sum of its manifest.
        request_sha256: Over everything that decides the new version's pictures.
        encoding: Over everything that decides the bytes of what is encoded; empty where nothing is.
        version: Number of the new version.
        first_segment: Number of the first new segment.
    """

    kind: str
    base: str
    request_sha256: str
    encoding: str
    version: str
    first_segment: int

    def differences(self, other: dict[str, object]) -> list[str]:
        """In words, what another plan has otherwise."""
        mine = asdict(self)
        said = {
            "kind": f"it was {other.get('kind')}",
            "base": "the map was in another version",
            "request_sha256": "the collection, or what was asked for, was another",
            "encoding": "network, batch size, segment size or software were others",
        }
        return [says for name, says in said.items() if other.get(name) != mine[name]]


class ChangeStaging(Staging):
    """The staging directory of a change, while the map's lock is held.

    Attributes:
        map_dir: The map that is changed.
    """

    def __init__(self, path: Path, map_dir: Path) -> None:
        super().__init__(path, published=map_dir)
        self.map_dir = map_dir

    def numbers(self) -> tuple[str, int]:
        """The number of the new version and that of its first segment: those of a change that is continued, or new."""
        found = read_plan(self.path)
        if found is not None and "first_segment" in found and has_finished_a_segment(self.path):
            return str(found["version"]), int(str(found["first_segment"]))
        self.throw_away()  # there is nothing to continue: the numbers of a version that is half published become free
        return next_version(self.map_dir), next_segment(self.map_dir)

    def begin(self, plan: ChangePlan, *, restart: bool) -> None:
        """Continues the same change, or begins it.

        Raises:
            BuildConflict: Another one is unfinished.
        """
        found = read_plan(self.path)
        if restart or found is None or not has_finished_a_segment(self.path):
            self.throw_away()
        elif differences := plan.differences(found):
            raise conflict(self.map_dir, found, differences)
        for name in (CHECKPOINTS, f"{MAP}/{layout.SEGMENTS}"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        write_atomically(self.path / PLAN, json.dumps(asdict(plan), indent=2).encode())
        sync(self.path.parent)

    def publish_change(self, manifest: Manifest) -> None:
        """Makes the new version appear, and serves it."""
        for number in layout.segment_numbers(self.map_path):
            name = layout.segment_id_of(number)
            rename_durably(layout.segment_dir(self.map_path, name), layout.segment_dir(self.map_dir, name))
        version = layout.version_dir(self.map_dir, manifest.version)
        shutil.rmtree(version, ignore_errors=True)  # of a run that was killed here
        write_missing_pointer(self.map_dir)
        rename_durably(layout.version_dir(self.map_path, manifest.version), version)
        write_atomically(self.map_dir / layout.CURRENT, Current.to_manifest(manifest).to_bytes())
        clean_up(self.path)

    def throw_away(self) -> None:
        """Removes what an unfinished change has made, in the staging directory and in the map."""
        found = read_plan(self.path)
        if found is not None and "first_segment" in found:
            _remove_unpublished(self.map_dir, str(found["version"]), int(str(found["first_segment"])))
        clear(self.path)


@contextmanager
def changing(map_dir: Path) -> Iterator[ChangeStaging]:
    """Holds the lock of a map while it is changed.

    Yields:
        Its staging directory, which goes away if nothing is left in it.

    Raises:
        MapNotFound: There is no map.
        MapBusy: Another process changes or builds it.
        StorageError: The disk cannot be written to.
    """
    read_current(map_dir)  # before a directory is made for what is no map
    path = staging_path(map_dir)
    try:
        with builder_lock(path):
            _settle(path, map_dir)
            try:
                yield ChangeStaging(path, map_dir)
            finally:
                if path.is_dir() and {entry.name for entry in path.iterdir()} <= {LOCK_FILE}:
                    shutil.rmtree(path)
    except OSError as error:
        raise StorageError(
            f"the map cannot be changed: {error.strerror} ({error.filename or map_dir}); it is as it was. When this is "
            "mended, give the same command again: it continues where it was interrupted"
        ) from error


def clean_up_beside(map_dir: Path) -> None:
    """Removes the directory beside a map that a run was removing when it was killed.

    Raises:
        MapBusy: Another process changes the map.
        StorageError: The disk cannot be written to.
    """
    path = staging_path(map_dir)
    if path.is_dir() and read_plan(path) is None:
        with changing(map_dir):
            pass


def check_no_change_is_unfinished(staging: ChangeStaging) -> None:
    """For what must not meet a change that is half published.

    Raises:
        BuildConflict: There is one.
    """
    found = read_plan(staging.path)
    if found is None:
        return
    if has_finished_a_segment(staging.path):
        raise conflict(staging.map_dir, found, [])
    staging.throw_away()


def conflict(map_dir: Path, found: dict[str, object], differences: list[str]) -> BuildConflict:
    """The error for an unfinished change that is not the one asked for."""
    told = f" ({'; '.join(differences)})" if differences else ""
    return BuildConflict(
        f"{map_dir} has an unfinished {found.get('kind', 'build')}, which is not this{told}. Give the same command as "
        f"then to finish it, or throw it away: placefix map abandon {map_dir}, or --restart"
    )


def write_missing_pointer(map_dir: Path) -> None:
    """Gives the version that is served its own line, which before format 3 stood in ``CURRENT`` alone."""
    current = read_current(map_dir)
    pointer = layout.version_dir(map_dir, current.version) / layout.POINTER
    if not pointer.exists():
        write_atomically(pointer, current.to_bytes())


def _settle(path: Path, map_dir: Path) -> None:
    """Finishes what was killed: cleaning up after publishing, or throwing away; and removes half a ``CURRENT``.

    Raises:
        MapExists: What is in the staging directory is a build, of a map that is there.
    """
    pending = pending_path(map_dir / layout.CURRENT)
    if pending.exists():
        pending.unlink()
    found = read_plan(path)
    if found is None:
        clear(path)  # without a plan nothing can be continued
    elif "first_segment" not in found:
        if (path / MAP).exists():
            raise MapExists(f"{path} holds an unfinished build, but {map_dir} is there already; remove {path}")
        clear(path)
    elif found.get("version") == read_current(map_dir).version:
        clear(path)


def _remove_unpublished(map_dir: Path, version: str, first_segment: int) -> None:
    """Removes a half published version and its segments, also what an earlier attempt at it has left."""
    directory = layout.version_dir(map_dir, version)
    if directory.is_dir() and version != read_current(map_dir).version:
        shutil.rmtree(directory)
    kept = {segment.id for name in existing_versions(map_dir) for segment in read_manifest(map_dir, name).segments}
    for number in layout.segment_numbers(map_dir):
        name = layout.segment_id_of(number)
        if number >= first_segment and name not in kept:
            shutil.rmtree(layout.segment_dir(map_dir, name))
