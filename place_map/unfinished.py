"""The lock under which a map is changed, and what an interrupted build or change has left beside it.

::

    .NAME.building/lock              held by the one builder
                  /plan.json         what is being made; another plan does not continue it
                  /partial/          the segment that is being written
                  /checkpoints/      one file for each finished segment
                  /map/              what will be the map, or will go into it
                  /left_out.csv      if the build had to be given up

``index_builder.staging`` writes there. A change is published piece by piece: its segments are renamed into the map,
then its version, and ``CURRENT`` moves last. Until that instant readers have the old version, and nothing names what
is new. So a change that was killed at any byte either goes on or is thrown away.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from model.durable import pending_path
from model.errors import StorageError
from place_map import layout
from place_map.builder_lock import LOCK_FILE, builder_lock, staging_path
from place_map.errors import BuildConflict
from place_map.versions import existing_versions, read_current, read_manifest

PLAN = "plan.json"
CHECKPOINTS = "checkpoints"
STAGED_MAP = "map"

FoundPlan = Mapping[str, object]
"""A plan as it was written, perhaps by another release. ``index_builder.plan.Plan`` has the fields."""


@contextmanager
def changing(map_dir: Path) -> Iterator[None]:
    """Hold the lock of a map while it is built or changed; finish first what a killed run has published.

    The staging directory goes away at the end if nothing is left in it.

    Raises:
        MapBusy: Another process changes or builds the map.
        StorageError: The disk cannot be written to.
    """
    path = staging_path(map_dir)
    try:
        with builder_lock(path):
            _settle(map_dir)
            try:
                yield
            finally:
                if path.is_dir() and {entry.name for entry in path.iterdir()} <= {LOCK_FILE}:
                    shutil.rmtree(path)
    except OSError as error:
        raise StorageError(
            f"the map cannot be written: {error.strerror} ({error.filename or map_dir}); nothing was published. When "
            "this is mended, give the same command again: it continues where it was interrupted"
        ) from error


def clean_up_beside(map_dir: Path) -> None:
    """Make sure that nobody is changing a map; remove what a run was removing beside it when it was killed.

    Raises:
        MapBusy: Another process changes the map.
        StorageError: The disk cannot be written to.
    """
    if staging_path(map_dir).is_dir():
        with changing(map_dir):
            pass


def check_no_change_is_unfinished(map_dir: Path) -> None:
    """Make sure that no change is half published. One that has finished nothing is thrown away.

    Raises:
        BuildConflict: There is one.
    """
    path = staging_path(map_dir)
    plan = read_plan(path)
    if plan is not None and has_finished_a_segment(path):
        raise conflict(map_dir, plan, [])
    throw_away(map_dir)


def conflict(map_dir: Path, plan: FoundPlan, differences: list[str]) -> BuildConflict:
    """Return the error for an unfinished build or change that is not the one asked for."""
    told = f" ({'; '.join(differences)})" if differences else ""
    return BuildConflict(
        f"{map_dir} has an unfinished {plan.get('kind', 'build')}, which is not this{told}. Give the same command as "
        f"then to finish it, or throw it away: placefix map abandon {map_dir}, or --restart"
    )


def read_plan(path: Path) -> FoundPlan | None:
    """Read what is being built or changed in a staging directory; None if nothing is."""
    try:
        plan = json.loads((path / PLAN).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return plan if isinstance(plan, dict) else None


def has_finished_a_segment(path: Path) -> bool:
    """Return whether there is work in a staging directory that would be lost with it."""
    checkpoints = path / CHECKPOINTS
    return checkpoints.is_dir() and any(checkpoints.iterdir())


def throw_away(map_dir: Path) -> None:
    """Remove what an unfinished build or change has made, in the staging directory and in the map."""
    path = staging_path(map_dir)
    plan = read_plan(path)
    if plan is not None and plan.get("kind") != "build" and "first_segment" in plan:
        _remove_unpublished(map_dir, str(plan["version"]), int(str(plan["first_segment"])))
    _clear(path)


def clean_up(path: Path) -> None:
    """Remove the directory of what was published, the plan late: while it is there it tells what was made."""
    _remove_all_but(path, {LOCK_FILE, PLAN})
    shutil.rmtree(path)


def _settle(map_dir: Path) -> None:
    """Finish what was killed: the cleaning up after publishing, or the throwing away; remove half a ``CURRENT``."""
    path = staging_path(map_dir)
    pending = pending_path(map_dir / layout.CURRENT)
    if pending.exists():
        pending.unlink()
    if _is_over(read_plan(path), map_dir):
        _clear(path)


def _is_over(plan: FoundPlan | None, map_dir: Path) -> bool:
    """Return whether nothing is left to do of a plan: without one nothing can be continued, or it is published."""
    if plan is None:
        return True
    if not (map_dir / layout.CURRENT).is_file() or plan.get("version") != read_current(map_dir).version:
        return False
    return plan.get("request_sha256") == read_manifest(map_dir).change.request_sha256


def _clear(path: Path) -> None:
    """Remove everything but the lock, the plan first: without it there is nothing to continue."""
    (path / PLAN).unlink(missing_ok=True)
    _remove_all_but(path, {LOCK_FILE})


def _remove_all_but(path: Path, kept: set[str]) -> None:
    for entry in path.iterdir():
        if entry.name in kept:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _remove_unpublished(map_dir: Path, version: str, first_segment: int) -> None:
    """Remove a half published version and its segments, also what an earlier attempt at it has left."""
    directory = layout.version_dir(map_dir, version)
    if directory.is_dir() and version != read_current(map_dir).version:
        shutil.rmtree(directory)
    kept = {segment.id for name in existing_versions(map_dir) for segment in read_manifest(map_dir, name).segments}
    for number in layout.segment_numbers(map_dir):
        name = layout.segment_id_of(number)
        if number >= first_segment and name not in kept:
            shutil.rmtree(layout.segment_dir(map_dir, name))
