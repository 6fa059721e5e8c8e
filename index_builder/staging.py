"""The staging directory ``.NAME.building``, in which a map or a change grows until it is published.

``place_map.unfinished`` draws the directory. Each attempt at a segment has a directory of its own, which is renamed
when its files are on the disk; the segment counts as finished when its checkpoint exists. A run can therefore be killed
at any byte: the next one continues behind the last checkpoint. An attempt of a killed run cannot harm, even if its
worker still writes: its directory is gone.
"""

import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from index_builder.digests import digest_of
from index_builder.plan import Plan
from model.durable import remove_tree, rename_durably, sync, write_atomically
from place_map import layout
from place_map.activation import serve
from place_map.builder_lock import staging_path
from place_map.current import Current
from place_map.file_sum import FileSum
from place_map.left_out import LeftOut
from place_map.manifest import Manifest
from place_map.place_file import read_places
from place_map.reader import PlaceMap
from place_map.segment import Segment
from place_map.stored_thumbnails import loose_thumbnails
from place_map.unfinished import (
    CHECKPOINTS,
    PLAN,
    STAGED_MAP,
    changing,
    clean_up,
    conflict,
    has_finished_a_segment,
    read_plan,
    throw_away,
)
from place_map.versions import next_segment, next_version, read_current

_ATTEMPTS = "attempts"


class FinishedSegment(BaseModel):
    """Describe a finished segment in its checkpoint.

    Attributes:
        segment: The entry for the manifest; None if every picture of the segment was rejected.
        left_out: Pictures of its part of the source that were rejected.
        stamps_sha256: The digest of the state of the source files when they were read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: Segment | None
    left_out: tuple[LeftOut, ...]
    stamps_sha256: str


class Staging:
    """Hold the staging directory of a map, while the lock is held; ``open_staging`` makes one.

    Attributes:
        path: The staging directory ``.NAME.building``.
        map_path: The directory inside it that becomes the map or goes into the map.
        map_dir: The map that is changed, or the path of the new map.
    """

    def __init__(self, map_dir: Path) -> None:
        self.map_dir = map_dir
        self.path = staging_path(map_dir)
        self.map_path = self.path / STAGED_MAP

    @property
    def left_out_path(self) -> Path:
        """Return the path of the list of left out pictures, for a run that stops."""
        return self.path / layout.LEFT_OUT

    def segment_dir(self, segment_id: str) -> Path:
        """Return the directory of a finished segment, in the staging directory or in the map."""
        here = layout.segment_dir(self.map_path, segment_id)
        return here if here.is_dir() else layout.segment_dir(self.map_dir, segment_id)

    def numbers(self) -> tuple[str, int]:
        """Return the numbers of the new version and of its first segment, new or from the run that continues."""
        found = read_plan(self.path)
        if found is not None and "first_segment" in found and has_finished_a_segment(self.path):
            return str(found["version"]), int(str(found["first_segment"]))
        throw_away(self.map_dir)  # nothing can be continued: the numbers of a half published version become free
        return next_version(self.map_dir), next_segment(self.map_dir)

    def begin(self, plan: Plan, *, restart: bool) -> Plan:
        """Begin the run of a plan, or continue it.

        Args:
            plan: The plan of the run.
            restart: Whether to throw away the work of any earlier run.

        Returns:
            The plan, with the codebook of an interrupted run.

        Raises:
            BuildConflict: Another build or change is unfinished.
            MapCorrupt: The plan of the interrupted run is damaged.
        """
        found = read_plan(self.path)
        if restart or found is None or not has_finished_a_segment(self.path):
            throw_away(self.map_dir)
        elif differences := plan.differences(found):
            raise conflict(self.map_dir, found, differences)
        else:
            plan = plan.continuing(found)
        self.discard_attempts()
        for name in (CHECKPOINTS, _ATTEMPTS, f"{STAGED_MAP}/{layout.SEGMENTS}"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        self.keep(plan)
        sync(self.path.parent)
        return plan

    def keep(self, plan: Plan) -> None:
        """Write the plan of the run."""
        write_atomically(self.path / PLAN, plan.to_json())

    def find_finished(self, number: int, stamps: Iterable[str]) -> FinishedSegment | None:
        """Return a segment that an earlier run has finished.

        Args:
            number: The number of the segment, from 1.
            stamps: The present state of its source files.

        Returns:
            The segment; None if it is not finished, if a picture has changed, or if its files are damaged.
        """
        try:
            finished = FinishedSegment.model_validate_json(self._checkpoint_path(number).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        if finished.stamps_sha256 != digest_of(stamps):
            return None
        segment = finished.segment
        if segment is None:
            return finished
        return finished if is_whole(self.segment_dir(segment.id), segment) else None

    def begin_attempt(self, number: int) -> Path:
        """Return a new directory for one attempt at a segment; no other attempt ever has its name."""
        attempt = self.path / _ATTEMPTS / f"{layout.segment_id_of(number)}-{secrets.token_hex(8)}"
        attempt.mkdir()
        return attempt

    def discard_attempt(self, attempt: Path) -> None:
        """Remove an attempt, though a worker that was given up may still write in it."""
        remove_tree(attempt)

    def discard_attempts(self) -> None:
        """Remove all attempts, also of an earlier run."""
        attempts = self.path / _ATTEMPTS
        for attempt in attempts.iterdir() if attempts.is_dir() else ():
            self.discard_attempt(attempt)

    def finish_segment(self, number: int, finished: FinishedSegment, attempt: Path) -> None:
        """Move an attempt at a segment to the segment's place, and record that it is finished."""
        self._checkpoint_path(number).unlink(missing_ok=True)
        target = layout.segment_dir(self.map_path, layout.segment_id_of(number))
        shutil.rmtree(self.segment_dir(target.name), ignore_errors=True)
        if finished.segment is None:
            self.discard_attempt(attempt)
        else:
            rename_durably(attempt, target)
        write_atomically(self._checkpoint_path(number), finished.model_dump_json(indent=2).encode())

    def publish(self, manifest: Manifest) -> None:
        """Open the new version for a trial, and make it appear.

        Raises:
            MapCorrupt: The new version cannot be opened; the old one stays served.
            OSError: A file cannot be written.
        """
        pointer = Current.to_manifest(manifest)
        if manifest.parent is None:
            with self.trial(manifest):
                pass
            rename_durably(self.map_path, self.map_dir)
        else:
            for number in layout.segment_numbers(self.map_path):
                name = layout.segment_id_of(number)
                rename_durably(layout.segment_dir(self.map_path, name), layout.segment_dir(self.map_dir, name))
            self._publish_codes()
            version = layout.version_dir(self.map_dir, manifest.version)
            shutil.rmtree(version, ignore_errors=True)  # left by a run that was killed here
            rename_durably(layout.version_dir(self.map_path, manifest.version), version)
            serve(self.map_dir, pointer)
        clean_up(self.path)

    @contextmanager
    def trial(self, manifest: Manifest) -> Iterator[PlaceMap]:
        """Open the first version of a map before it appears.

        Raises:
            MapCorrupt: The version cannot be opened.
        """
        write_atomically(self.map_path / layout.CURRENT, Current.to_manifest(manifest).to_bytes())
        with PlaceMap.open(self.map_path) as place_map:
            yield place_map

    def throw_away(self) -> None:
        """Remove the work of an unfinished run from the staging directory and from the map."""
        throw_away(self.map_dir)

    def _publish_codes(self) -> None:
        """Move new codes beside those that versions share."""
        for source in sorted((self.map_path / layout.CODES).glob("*/*")):
            target = self.map_dir / source.relative_to(self.map_path)
            if not target.parent.is_dir():
                target.parent.mkdir(parents=True)
                sync(target.parent.parent)
                sync(self.map_dir)
            rename_durably(source, target)

    def _checkpoint_path(self, number: int) -> Path:
        return self.path / CHECKPOINTS / f"{layout.segment_id_of(number)}.json"


@contextmanager
def open_staging(map_dir: Path) -> Iterator[Staging]:
    """Hold the lock of an existing map, to change it.

    Yields:
        Its staging directory, which is removed if it is empty at the end.

    Raises:
        MapNotFound: There is no map.
        MapBusy: Another process changes or builds it.
        StorageError: The disk cannot be written to.
    """
    read_current(map_dir)  # before a directory is made for a path that is not a map
    with changing(map_dir):
        yield Staging(map_dir)


def is_whole(directory: Path, segment: Segment) -> bool:
    """Return whether every file of a finished segment still has its sum."""
    try:
        if any(FileSum.of(directory / name) != expected for name, expected in segment.files.items()):
            return False
        table = read_places(directory / layout.PLACES, segment.rows)
        return all(FileSum.of(path) == expected for path, expected in loose_thumbnails(directory, segment, table))
    except FileNotFoundError:
        return False
