"""``placefix remove``: remove pictures from a map. Their features stay; their rows are marked as dead."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from index_builder.build_options import BuildOptions
from index_builder.change_report import ChangeReport
from index_builder.changes.area import Area
from index_builder.changes.rows import StoredPicture, stored_pictures, without
from index_builder.digests import request_digest
from index_builder.new_version import make_version
from index_builder.revision import MapSettings, Revision
from index_builder.staging import open_staging
from model.errors import InvalidInput
from model.progress import SILENT, Progress
from place_map.left_out import read_left_out
from place_map.reader import PlaceMap


@dataclass(frozen=True)
class Selection:
    """Describe the pictures to select: those that meet all stated conditions.

    Attributes:
        ids: The ids of the pictures.
        area: The area in which they were taken.
        taken_before: The time before which they were taken; it excludes pictures without a time.
        taken_after: The time at or after which they were taken; it excludes pictures without a time.

    Raises:
        InvalidInput: No condition is stated, or no picture can meet them all.
    """

    ids: tuple[str, ...] = ()
    area: Area | None = None
    taken_before: datetime | None = None
    taken_after: datetime | None = None

    def __post_init__(self) -> None:
        if not self.ids and self.area is None and self.taken_before is None and self.taken_after is None:
            raise InvalidInput("nothing is selected: name ids, an area, or times")
        earliest, latest = self.taken_after, self.taken_before
        if earliest is not None and latest is not None and _instant(latest) <= _instant(earliest):
            raise InvalidInput(f"no picture was taken after {earliest} and before {latest}: the second must be later")

    def select(self, place_map: PlaceMap) -> list[StoredPicture]:
        """Return the selected pictures of a version.

        Raises:
            InvalidInput: An id is not in the map.
        """
        found = {place_id: place_map.places.row_of(place_id) for place_id in self.ids}
        unknown = [place_id for place_id, row in found.items() if row is None]
        if unknown:
            raise InvalidInput(
                f"{len(unknown)} of {len(self.ids)} ids are not in {place_map.path}, the first is {unknown[0]!r}; "
                f"placefix map ids {place_map.path} prints those that are"
            )
        is_meant = np.ones(len(place_map), np.bool_)
        if self.ids:
            is_meant[:] = False
            is_meant[[row for row in found.values() if row is not None]] = True
        if self.area is not None:
            is_meant &= self.area.contains(place_map.places.latitudes, place_map.places.longitudes)
        rows = np.flatnonzero(is_meant)
        return [picture for picture in stored_pictures(place_map, rows) if self._is_in_time(picture.record.time)]

    def _is_in_time(self, time: datetime | None) -> bool:
        if self.taken_before is None and self.taken_after is None:
            return True
        if time is None:
            return False
        is_before = self.taken_before is None or _instant(time) < _instant(self.taken_before)
        return is_before and (self.taken_after is None or _instant(time) >= _instant(self.taken_after))


def select_pictures(map_dir: Path, selection: Selection) -> Sequence[StoredPicture]:
    """Return the pictures that ``remove_pictures`` would remove."""
    with PlaceMap.open(map_dir) as place_map:
        return selection.select(place_map)


def remove_pictures(map_dir: Path, selection: Selection, progress: Progress = SILENT) -> ChangeReport:
    """Publish a version without some pictures; their features stay on the disk until ``compact`` and ``prune``.

    Args:
        map_dir: The map.
        selection: The pictures to remove.
        progress: The display of the steps.

    Raises:
        InvalidInput: An id is not in the map, or no picture would be left.
        MapError: As in ``index_builder.new_version.make_version``.
    """
    started_s = time.perf_counter()
    with open_staging(map_dir) as staging, PlaceMap.open(map_dir) as place_map:
        base = place_map.manifest
        request_sha256 = request_digest("remove", (replace(selection, ids=tuple(sorted(selection.ids))),))
        dead = [] if base.change.request_sha256 == request_sha256 else selection.select(place_map)
        if not dead:
            return ChangeReport.of(map_dir, base, started_s)
        if len(dead) == len(place_map):
            raise InvalidInput(
                f"that would remove all {len(dead):,} pictures of {map_dir}, and a map has at least one; to have none, "
                "remove its directory"
            )
        revision = Revision(
            kind="remove",
            request_sha256=request_sha256,
            base=base,
            settings=MapSettings.of(base),
            sources=base.sources,
            segments=without(base.segments, dead),
            gone=frozenset(picture.record.id for picture in dead),
            left_out=read_left_out(map_dir, base.version),
        )
        return make_version(staging, revision, None, BuildOptions(), progress)


def _instant(time: datetime) -> datetime:
    """Return a time that can be compared; a time without a zone counts as UTC, as in the map."""
    return time.replace(tzinfo=UTC) if time.utcoffset() is None else time
