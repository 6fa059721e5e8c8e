"""``placefix calibrate``: publish a version with the same pictures and another calibration."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from index_builder.build_options import BuildOptions
from index_builder.change_report import ChangeReport
from index_builder.digests import request_digest
from index_builder.new_version import Calibrate, make_version
from index_builder.revision import MapSettings, Revision
from index_builder.sources.listing import SourceListing
from index_builder.staging import open_staging
from model.progress import SILENT, Progress
from place_map.left_out import read_left_out
from place_map.reader import PlaceMap
from place_map.unfinished import check_no_change_is_unfinished
from place_map.versions import next_version


def calibrate_map(
    map_dir: Path,
    calibrate: Calibrate,
    progress: Progress = SILENT,
    *,
    questions: Iterable[object] = (),
    photos: Sequence[SourceListing] = (),
) -> ChangeReport:
    """Make a new version that shares every segment, with a new calibration.

    There is nothing to do if the served version was made by the same request and its calibration is usable; a
    calibration of another release may weigh other evidence.

    Args:
        map_dir: The map.
        calibrate: The function that calibrates the served version; if it returns None, no version is made.
        progress: The display of the steps.
        questions: The settings of the questions; their ``repr`` identifies the request.
        photos: The photos that are asked; they identify the request, too.

    Raises:
        MapError: As in ``index_builder.new_version.make_version``.
    """
    started_s = time.perf_counter()
    with open_staging(map_dir) as staging, PlaceMap.open(map_dir) as place_map:
        check_no_change_is_unfinished(map_dir)
        base, request_sha256 = place_map.manifest, request_digest("calibrate", questions, *photos)
        is_usable = place_map.calibration is not None  # a calibration of another release may be unusable
        if is_usable and base.change.request_sha256 == request_sha256:
            return ChangeReport.of(map_dir, base, started_s)
        calibration = calibrate(place_map, next_version(map_dir), staging.path)
        if calibration is None:
            return ChangeReport.of(map_dir, base, started_s)
        revision = Revision(
            kind="calibrate",
            request_sha256=request_sha256,
            base=base,
            settings=MapSettings.of(base),
            sources=base.sources,
            segments=base.segments,
            left_out=read_left_out(map_dir, base.version),
            calibration=calibration,
        )
        report = make_version(staging, revision, None, BuildOptions(), progress)
        return replace(report, duration_s=time.perf_counter() - started_s)  # the questions were asked before
