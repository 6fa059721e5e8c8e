"""Where a map, or a change of one, grows until it is published: ``.NAME.building``.

``place_map.unfinished`` draws the directory. A segment is renamed out of ``partial`` when its files are on the disk,
and counts from the moment that its checkpoint is there. So a run can be killed at any byte: the next one continues
behind the last checkpoint.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from index_builder.digests import digest_of
from index_builder.plan import Plan
from model.durable import rename_durably, sync, write_atomically
from place_map import layout
from place_map.activation import serve
from place_map.builder_lock import staging_path
from place_map.current import Current
from place_map.file_sum import FileSum
from place_map.left_out import LeftOut
from place_map.manifest import Manifest
from place_map.place_table import listed_thumbnails, read_places
from place_map.reader import PlaceMap
from place_map.segment import Segment
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

_PARTIAL = "partial"


class FinishedSegment(BaseModel):
    """A finished segment, as its checkpoint remembers it.

    Attributes:
        segment: As the manifest will list it; None if every picture of it was rejected.
        left_out: Pictures of its part of the source that were rejected.
        stamps_sha256: Over the state of the source files when they were read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: Segment | None
    left_out: tuple[LeftOut, ...]
    stamps_sha256: str


class Staging:
    """The staging directory of a map, while the lock is held; ``open_staging`` makes one.

    Attributes:
        path: ``.NAME.building``.
        map_path: What will be the map, or will go into it.
        map_dir: The map that is changed, or the place where it is to appear.
    """

    def __init__(self, map_dir: Path) -> None:
        self.map_dir = map_dir
        self.path = staging_path(map_dir)
        self.map_path = self.path / STAGED_MAP

    @property
    def left_out_path(self) -> Path:
        """Where the list of pictures that were left out is kept if the run is given up."""
        return self.path / layout.LEFT_OUT

    def segment_dir(self, segment_id: str) -> Path:
        """Return where a finished segment lies: here, or in the map."""
        here = layout.segment_dir(self.map_path, segment_id)
        return here if here.is_dir() else layout.segment_dir(self.map_dir, segment_id)

    def numbers(self) -> tuple[str, int]:
        """Return the number of the new version and that of its first segment: those of a continued run, or new ones."""
        found = read_plan(self.path)
        if found is not None and "first_segment" in found and has_finished_a_segment(self.path):
            return str(found["version"]), int(str(found["first_segment"]))
        throw_away(self.map_dir)  # nothing can be continued: the numbers of a half published version become free
        return next_version(self.map_dir), next_segment(self.map_dir)

    def begin(self, plan: Plan, *, restart: bool) -> None:
        """Continue the run that the plan was made for, or begin it.

        Args:
            plan: What is to be made.
            restart: Throw away what an earlier run has done, whatever it was.

        Raises:
            BuildConflict: Another build or change is unfinished.
        """
        found = read_plan(self.path)
        if restart or found is None or not has_finished_a_segment(self.path):
            throw_away(self.map_dir)
        elif differences := plan.differences(found):
            raise conflict(self.map_dir, found, differences)
        for name in (CHECKPOINTS, f"{STAGED_MAP}/{layout.SEGMENTS}"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        write_atomically(self.path / PLAN, json.dumps(asdict(plan), indent=2).encode())
        sync(self.path.parent)

    def find_finished(self, number: int, stamps: Iterable[str]) -> FinishedSegment | None:
        """Return a segment that an earlier run has finished.

        Args:
            number: Of the segment, from 1.
            stamps: State of its source files now.

        Returns:
            None if it has to be made: it is not finished, a picture has changed, or its files are damaged.
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

    def begin_segment(self) -> Path:
        """Return an empty directory to write a segment in."""
        partial = self.path / _PARTIAL
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        return partial

    def finish_segment(self, number: int, finished: FinishedSegment) -> None:
        """Move the segment that was begun to its place, and remember that it is finished."""
        self._checkpoint_path(number).unlink(missing_ok=True)
        target = layout.segment_dir(self.map_path, layout.segment_id_of(number))
        shutil.rmtree(self.segment_dir(target.name), ignore_errors=True)
        if finished.segment is None:
            shutil.rmtree(self.path / _PARTIAL)
        else:
            rename_durably(self.path / _PARTIAL, target)
        write_atomically(self._checkpoint_path(number), finished.model_dump_json(indent=2).encode())

    def publish(self, manifest: Manifest) -> None:
        """Open the new version for a trial, and make it appear.

        Raises:
            MapCorrupt: It cannot be opened; what is served stays.
            OSError: The disk does not take it.
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
            version = layout.version_dir(self.map_dir, manifest.version)
            shutil.rmtree(version, ignore_errors=True)  # of a run that was killed here
            rename_durably(layout.version_dir(self.map_path, manifest.version), version)
            serve(self.map_dir, pointer)
        clean_up(self.path)

    @contextmanager
    def trial(self, manifest: Manifest) -> Iterator[PlaceMap]:
        """Open the first version of a map before it appears.

        Raises:
            MapCorrupt: It cannot be opened.
        """
        write_atomically(self.map_path / layout.CURRENT, Current.to_manifest(manifest).to_bytes())
        with PlaceMap.open(self.map_path) as place_map:
            yield place_map

    def throw_away(self) -> None:
        """Remove what an unfinished run has made, in the staging directory and in the map."""
        throw_away(self.map_dir)

    def _checkpoint_path(self, number: int) -> Path:
        return self.path / CHECKPOINTS / f"{layout.segment_id_of(number)}.json"


@contextmanager
def open_staging(map_dir: Path) -> Iterator[Staging]:
    """Hold the lock of a map that is there, to change it.

    Yields:
        Its staging directory, which goes away if nothing is left in it.

    Raises:
        MapNotFound: There is no map.
        MapBusy: Another process changes or builds it.
        StorageError: The disk cannot be written to.
    """
    read_current(map_dir)  # before a directory is made for what is no map
    with changing(map_dir):
        yield Staging(map_dir)


def is_whole(directory: Path, segment: Segment) -> bool:
    """Return whether every file of a finished segment still has its sum."""
    try:
        if any(FileSum.of(directory / name) != expected for name, expected in segment.files.items()):
            return False
        table = read_places(directory / layout.PLACES, segment.rows)
        thumbnails = directory / layout.THUMBNAILS
        return all(
            FileSum.of(thumbnails / layout.thumbnail_name(row)) == expected
            for row, expected in listed_thumbnails(table)
        )
    except FileNotFoundError:
        return False
