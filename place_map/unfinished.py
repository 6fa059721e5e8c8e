"""The lock for changes of a map, and the remains of an interrupted build or change beside it.

::

    .NAME.building/lock              held by the one builder
                  /plan.json         the plan; a run with another plan does not continue
                  /attempts/         segments that are being written
                  /checkpoints/      one file for each finished segment
                  /map/              the future map, or the files that will go into the map
                  /left_out.csv      if the build had to be given up

``index_builder.staging`` writes there. A change is published in steps: its segments are renamed into the map, then its
codes and its version, and ``CURRENT`` moves last. Until then readers have the old version, and nothing names the new
files. Therefore a change that was killed at any byte can either be continued or be thrown away.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from model.durable import pending_path, remove_tree
from model.errors import StorageError
from place_map import layout
from place_map.builder_lock import LOCK_FILE, builder_lock, staging_path
from place_map.errors import BuildConflict
from place_map.unlisted import remove_unlisted
from place_map.versions import read_current, read_manifest

PLAN = "plan.json"
CHECKPOINTS = "checkpoints"
STAGED_MAP = "map"

FoundPlan = Mapping[str, object]
"""A stored plan, possibly from another release. ``index_builder.plan.Plan`` has the fields."""


@contextmanager
def changing(map_dir: Path) -> Iterator[None]:
    """Hold the lock of a map during a build or change; first finish the publication that a killed run has begun.

    The staging directory is removed at the end if it is empty.

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
            "this is repaired, give the same command again: it continues where it was interrupted"
        ) from error


def clean_up_beside(map_dir: Path) -> None:
    """Check that no process changes a map, and complete the removal that a killed run began beside it.

    Raises:
        MapBusy: Another process changes the map.
        StorageError: The disk cannot be written to.
    """
    if staging_path(map_dir).is_dir():
        with changing(map_dir):
            pass


def check_no_change_is_unfinished(map_dir: Path) -> None:
    """Check that no change is half published; throw away a change without a finished segment.

    Raises:
        BuildConflict: A change is half published.
    """
    path = staging_path(map_dir)
    plan = read_plan(path)
    if plan is not None and has_finished_a_segment(path):
        raise conflict(map_dir, plan, [])
    throw_away(map_dir)


def conflict(map_dir: Path, plan: FoundPlan, differences: list[str]) -> BuildConflict:
    """Return the error for an unfinished build or change that differs from the requested one."""
    told = f" ({'; '.join(differences)})" if differences else ""
    return BuildConflict(
        f"{map_dir} has an unfinished {plan.get('kind', 'build')}, which is not this{told}. Give the same command as "
        f"then to finish it, or throw it away: placefix map abandon {map_dir}, or --restart"
    )


def read_plan(path: Path) -> FoundPlan | None:
    """Read the plan of a staging directory; return None if there is no plan."""
    try:
        plan = json.loads((path / PLAN).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return plan if isinstance(plan, dict) else None


def has_finished_a_segment(path: Path) -> bool:
    """Return whether a staging directory holds work that its removal would lose."""
    checkpoints = path / CHECKPOINTS
    return checkpoints.is_dir() and any(checkpoints.iterdir())


def throw_away(map_dir: Path) -> None:
    """Remove the files of an unfinished build or change, in the staging directory and in the map."""
    path = staging_path(map_dir)
    plan = read_plan(path)
    if plan is not None and plan.get("kind") != "build" and "first_segment" in plan:
        _remove_unpublished(map_dir, str(plan["version"]), int(str(plan["first_segment"])))
    _clear(path)


def clean_up(path: Path) -> None:
    """Remove the directory of a published change, and its plan late, because the plan names the files."""
    _remove_all_but(path, {LOCK_FILE, PLAN})
    shutil.rmtree(path)


def _settle(map_dir: Path) -> None:
    """Finish the work of a killed run: the cleanup after publishing, or the removal of its files; remove a partial
    ``CURRENT``.
    """
    path = staging_path(map_dir)
    pending = pending_path(map_dir / layout.CURRENT)
    if pending.exists():
        pending.unlink()
    if _is_over(read_plan(path), map_dir):
        _clear(path)


def _is_over(plan: FoundPlan | None, map_dir: Path) -> bool:
    """Return whether a plan needs no more work: it is missing, so it cannot be continued, or it is published."""
    if plan is None:
        return True
    if not (map_dir / layout.CURRENT).is_file() or plan.get("version") != read_current(map_dir).version:
        return False
    return plan.get("request_sha256") == read_manifest(map_dir).change.request_sha256


def _clear(path: Path) -> None:
    """Remove everything but the lock, the plan first: without it nothing can be continued."""
    (path / PLAN).unlink(missing_ok=True)
    _remove_all_but(path, {LOCK_FILE})


def _remove_all_but(path: Path, kept: set[str]) -> None:
    for entry in path.iterdir():
        if entry.name in kept:
            continue
        if entry.is_dir() and not entry.is_symlink():
            remove_tree(entry)  # workers of a killed build may still write
        else:
            entry.unlink()


def _remove_unpublished(map_dir: Path, version: str, first_segment: int) -> None:
    """Remove a half published version with its segments and codes, also from an earlier attempt."""
    directory = layout.version_dir(map_dir, version)
    if directory.is_dir() and version != read_current(map_dir).version:
        shutil.rmtree(directory)
    remove_unlisted(map_dir, first_segment)
