"""``placefix compact``: write segments again, without dead rows, and few instead of many."""

import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from index_builder.build_options import BuildOptions
from index_builder.change_report import ChangeReport
from index_builder.changes.rows import StoredPicture, copied_segments, stored_pictures
from index_builder.digests import request_digest
from index_builder.new_version import make_version
from index_builder.revision import MapSettings, NewSegment, Revision
from index_builder.staging import open_staging
from model.progress import SILENT, Progress
from place_map.left_out import read_left_out
from place_map.manifest import Manifest
from place_map.reader import PlaceMap
from place_map.segment import Segment


def compact_map(
    map_dir: Path, options: BuildOptions | None = None, progress: Progress = SILENT, *, restart: bool = False
) -> ChangeReport:
    """Write small segments and those with dead rows again as full ones; the pictures stay in their order.

    Features are copied, not computed, after their sums were compared. Segments that only older versions have stay on
    the disk until these versions are pruned.

    Args:
        map_dir: The map.
        options: The segment size.
        progress: The display of the progress, by pictures.
        restart: Whether to throw away the work of an interrupted run.

    Raises:
        MapCorrupt: A segment to copy has changed since it was written.
        MapError: As in ``index_builder.new_version.make_version``.
    """
    options = options or BuildOptions()
    started_s = time.perf_counter()
    with open_staging(map_dir) as staging, PlaceMap.open(map_dir) as place_map:
        base = place_map.manifest
        size = options.segment_size_for(base.counts.placed)
        segments: list[Segment | NewSegment] = []
        pictures: dict[str, list[StoredPicture]] = {}
        for picture in stored_pictures(place_map):
            pictures.setdefault(picture.segment, []).append(picture)
        for run, is_loose in _runs(base, size):
            if not is_loose:
                segments += run
                continue
            copies = [picture.copied() for segment in run for picture in pictures[segment.id]]
            segments += copied_segments(run[0].source, copies, size)
        revision = Revision(
            kind="compact",
            request_sha256=request_digest("compact", (size,)),
            base=base,
            settings=MapSettings.of(base),
            sources=base.sources,
            segments=tuple(segments),
            left_out=read_left_out(map_dir, base.version),
        )
        if revision.segments == base.segments:
            return ChangeReport.of(map_dir, base, started_s)
        return make_version(staging, revision, None, options, progress, restart=restart)


def _runs(base: Manifest, size: int) -> Iterator[tuple[list[Segment], bool]]:
    """Yield the segments in order, in runs, each with whether it is written again.

    A segment with dead rows is written again; a small segment only together with another.
    """

    def kind(segment: Segment) -> tuple[int, bool]:
        return segment.source, bool(segment.dead_rows) or segment.rows < size

    for (_, is_loose), group in groupby(base.segments, key=kind):
        run = list(group)
        is_worth_it = len(run) > 1 or any(segment.dead_rows for segment in run)
        yield run, is_loose and is_worth_it
