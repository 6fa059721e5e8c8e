"""Where a map grows until it is published: ``.NAME.building`` beside it.

::

    .NAME.building/lock              held by the one builder
                  /plan.json         what is being built; another plan does not continue this one
                  /partial/          the segment that is being written
                  /checkpoints/      one file for each finished segment
                  /map/              what will be the map; finished segments only
                  /left_out.csv      if the build had to be given up

A segment is renamed into ``map`` when its files are on the disk, and counts from the moment that its checkpoint is
there. Publishing is one rename of ``map``. So a build can be killed at any byte: it continues behind the last
checkpoint.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from index_builder.build_plan import BuildPlan, digest_of
from index_builder.target import check_free, is_taken, map_exists
from model.durable import rename_durably, sync, write_atomically
from place_map import layout
from place_map.builder_lock import LOCK_FILE, builder_lock, staging_path
from place_map.errors import BuildConflict
from place_map.file_sum import FileSum
from place_map.left_out import LeftOut
from place_map.place_table import listed_thumbnails, read_places
from place_map.segment import Segment

PLAN = "plan.json"
CHECKPOINTS = "checkpoints"
_PARTIAL = "partial"
MAP = "map"


class Checkpoint(BaseModel):
    """A finished segment.

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
    """The staging directory of one map, while its lock is held; ``open_staging`` makes one.

    Attributes:
        path: ``.NAME.building``.
        map_path: What will be the map, or will go into it.
    """

    def __init__(self, path: Path, published: Path | None = None) -> None:
        """Takes the directory, and the map that finished segments may be in already."""
        self.path = path
        self.map_path = path / MAP
        self._published = published

    def segment_dir(self, segment_id: str) -> Path:
        """Where a finished segment lies: here, or in the map if that was reached."""
        here = layout.segment_dir(self.map_path, segment_id)
        return here if self._published is None or here.is_dir() else layout.segment_dir(self._published, segment_id)

    @property
    def left_out_path(self) -> Path:
        """Where the list of pictures that were left out is kept if the build is given up."""
        return self.path / layout.LEFT_OUT

    def find_checkpoint(self, number: int, stamps: Iterable[str]) -> Checkpoint | None:
        """A segment that an earlier run has finished.

        Args:
            number: Of the segment, from 1.
            stamps: State of its source files now.

        Returns:
            None if it has to be encoded: it is not finished, a picture has changed, or its files are damaged.
        """
        try:
            checkpoint = Checkpoint.model_validate_json(self._checkpoint_path(number).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        if checkpoint.stamps_sha256 != digest_of(stamps):
            return None
        segment = checkpoint.segment
        if segment is None:
            return checkpoint
        return checkpoint if is_whole(self.segment_dir(segment.id), segment) else None

    def begin_segment(self) -> Path:
        """An empty directory to write a segment in."""
        partial = self.path / _PARTIAL
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        return partial

    def finish_segment(self, number: int, checkpoint: Checkpoint) -> None:
        """Moves the segment that was begun to its place, and remembers that it is finished."""
        self._checkpoint_path(number).unlink(missing_ok=True)
        target = layout.segment_dir(self.map_path, layout.segment_id_of(number))
        shutil.rmtree(self.segment_dir(target.name), ignore_errors=True)
        if checkpoint.segment is None:
            shutil.rmtree(self.path / _PARTIAL)
        else:
            rename_durably(self.path / _PARTIAL, target)
        write_atomically(self._checkpoint_path(number), checkpoint.model_dump_json(indent=2).encode())

    def publish(self, out: Path) -> None:
        """Makes the map appear under its name, whole, and removes the rest."""
        rename_durably(self.map_path, out)
        clean_up(self.path)

    def _checkpoint_path(self, number: int) -> Path:
        return self.path / CHECKPOINTS / f"{layout.segment_id_of(number)}.json"


@contextmanager
def open_staging(out: Path, plan: BuildPlan, *, restart: bool) -> Iterator[Staging | None]:
    """Locks the staging directory of a map and finds out what is left to do.

    Args:
        out: Where the map is to appear.
        plan: What is to be built.
        restart: Throw away what an earlier run has done.

    Yields:
        None if the same plan has been published already, and only the cleaning up was missing.

    Raises:
        MapExists: There is something at ``out``.
        MapBusy: Another process builds this map.
        BuildConflict: An unfinished build of something else is in the way.
    """
    check_free(out)
    path = staging_path(out)
    with builder_lock(path):
        found = read_plan(path)
        if is_taken(out):
            if not (path / MAP).exists():  # killed between publishing and the end of cleaning up
                clean_up(path)
            if found is None or plan.differences(found) or path.exists():
                raise map_exists(out)
            yield None
            return
        if restart or found is None or not has_finished_a_segment(path):
            clear(path)  # nothing is lost: without a plan or a finished segment there is nothing to continue
        elif differences := plan.differences(found):
            raise BuildConflict(
                f"an unfinished build is in {path}, begun with other settings: {'; '.join(differences)}. Give the same "
                "command as then to continue it, or --restart to throw it away"
            )
        for name in (CHECKPOINTS, f"{MAP}/{layout.SEGMENTS}"):
            (path / name).mkdir(parents=True, exist_ok=True)
        write_atomically(path / PLAN, json.dumps(asdict(plan), indent=2).encode())
        sync(path.parent)
        yield Staging(path)


def is_whole(directory: Path, segment: Segment) -> bool:
    """Whether every file of a finished segment still has its sum."""
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


def read_plan(path: Path) -> dict[str, object] | None:
    """What is being built or changed in a staging directory; None if nothing is."""
    try:
        plan = json.loads((path / PLAN).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return plan if isinstance(plan, dict) else None


def has_finished_a_segment(path: Path) -> bool:
    """Whether there is work in a staging directory that would be lost with it."""
    checkpoints = path / CHECKPOINTS
    return checkpoints.is_dir() and any(checkpoints.iterdir())


def clear(path: Path) -> None:
    """Removes everything but the lock, the plan first: without it there is nothing to continue."""
    (path / PLAN).unlink(missing_ok=True)
    _remove_all_but(path, {LOCK_FILE})


def clean_up(path: Path) -> None:
    """Removes the directory of a build that was published, the plan late: while it is there it tells who did it."""
    _remove_all_but(path, {LOCK_FILE, PLAN})
    shutil.rmtree(path)


def _remove_all_but(path: Path, kept: set[str]) -> None:
    for entry in path.iterdir():
        if entry.name in kept:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
