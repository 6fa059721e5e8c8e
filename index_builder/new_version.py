"""The making of a new version of a map from a revision: all builds and changes go through it."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from index_builder.build_options import BuildOptions
from index_builder.change_report import ChangeReport
from index_builder.codebook_sample import encoded_sample, with_codebook
from index_builder.errors import NothingUsable
from index_builder.left_out import LeftOutTally
from index_builder.plan import Plan
from index_builder.revision import NewSegment, Revision
from index_builder.segment_building import SegmentBuilder, check_space
from index_builder.segment_copying import copy_segments
from index_builder.segment_engine import LocalEngine, SegmentEngine
from index_builder.staging import Staging
from model.encoder import Encoder
from model.errors import InvalidInput
from model.progress import Progress
from place_map import layout
from place_map.errors import MapCorrupt
from place_map.file_sum import FileSum
from place_map.index_choice import AUTO, choose_index, factory_named
from place_map.index_files import BaseIndex
from place_map.index_making import check_index_factory
from place_map.left_out import left_out_csv, read_left_out
from place_map.manifest import Counts, Manifest
from place_map.place_file import read_places
from place_map.reader import PlaceMap
from place_map.segment import Segment
from place_map.version_writer import VersionContent, write_manifest, write_version_files
from place_map.versions import read_current

Calibrate = Callable[[PlaceMap, str, Path], bytes | None]
"""A function that calibrates an open version, for a version number, which may be the same.

It keeps files that must survive an interruption in the directory. It returns the bytes of ``calibration.json``, or None
if the version cannot be calibrated.
"""


@dataclass(frozen=True)
class _Made:
    """Hold the new segments.

    Attributes:
        segments: Id → segment; a segment does not exist if every picture of it was rejected.
        encoded: The number of pictures that went through the network.
        tally: The pictures that were left out of the collections.
    """

    segments: Mapping[str, Segment]
    encoded: int
    tally: LeftOutTally


def make_version(
    staging: Staging,
    revision: Revision,
    encoder: Encoder | None,
    options: BuildOptions,
    progress: Progress,
    *,
    restart: bool = False,
    calibrate: Calibrate | None = None,
    engine: SegmentEngine | None = None,
) -> ChangeReport:
    """Make a new version, open it for a trial, and publish it.

    After a kill or an interruption, the same call continues behind the last finished segment.

    Args:
        staging: The staging directory of the map, whose lock is held.
        revision: The content of the new version.
        encoder: The network for pictures that have to be encoded.
        options: Batch size, segment size, and the share of pictures that may be rejected.
        progress: The display of the progress, by batches.
        restart: Whether to throw away the work of an interrupted run.
        calibrate: The function that calibrates the first version of a map before it is published.
        engine: Encodes the segments, as the encoder would; by default the encoder does.

    Raises:
        InvalidInput: The index cannot be made or trained.
        BuildConflict: Another build or change of the map is unfinished.
        MapCorrupt: A file of the map that would be used has changed since it was written.
        NothingUsable: The map would have no picture.
        TooManyRejected: More pictures cannot be read than is allowed.
        OSError: A file cannot be written. The run can be continued.
    """
    started_s = time.perf_counter()
    base, settings, map_dir = revision.base, revision.settings, staging.map_dir
    width = settings.features.global_dim
    if settings.index != AUTO:
        check_index_factory(factory_named(settings.index, width), width, revision.most_pictures)
    version, first_segment = staging.numbers()
    base_line = "" if base is None else read_current(map_dir).to_bytes().decode("ascii").strip()
    plan = staging.begin(
        Plan.of(revision, encoder, options, base=base_line, version=version, first_segment=first_segment),
        restart=restart,
    )
    if settings.features.needs_codebook:
        revision = _with_codebook(staging, plan, revision, encoder, options, progress)
        settings = revision.settings
    numbered = dict(enumerate(revision.new_segments, first_segment))
    made = _make(staging, revision, numbered, encoder, options, progress, engine)
    segments = _in_order(revision, numbered, made.segments)
    left_out = {**revision.left_out, **made.tally.by_source}
    left_out_list = left_out_csv(left_out)
    is_calibrated_anew = revision.calibration is not None
    if base is not None and not is_calibrated_anew and _is_as_before(map_dir, base, revision, segments, left_out_list):
        staging.throw_away()  # this run has only read pictures that could not be read before either
        return ChangeReport.of(map_dir, base, started_s, encoded=made.encoded)
    placed = sum(segment.live_rows for segment in segments)
    if not placed and base is None:
        raise made.tally.nothing_usable()
    if not placed:
        staging.throw_away()  # pictures that cannot be read leave nothing to keep
        raise NothingUsable(f"the map would have no picture; to have no map, remove {map_dir}")
    _check_globals(staging, [segment for segment in segments if segment.id not in made.segments])
    factory, base_index = _index_for(map_dir, revision, segments, progress)
    outcomes = [entry.outcome for entries in left_out.values() for entry in entries]
    manifest = write_version_files(
        layout.version_dir(staging.map_path, version),
        VersionContent(
            version=version,
            parent=None if base is None else base.version,
            change=revision.change(lambda: _ids_of(staging, made.segments)),
            next_segment=first_segment + len(numbered),
            sources=revision.sources,
            network=settings.network,
            preprocessing=settings.preprocessing,
            features=settings.features,
            counts=Counts(placed=placed, skipped=outcomes.count("skipped"), rejected=outcomes.count("rejected")),
            segments=segments,
            index_factory=factory,
            index_requested=settings.index,
            left_out_csv=left_out_list,
            calibration=revision.calibration or _calibration_of(map_dir, base),
            base_index=base_index,
        ),
        staging.segment_dir,
    )
    if calibrate is not None and base is None:
        with staging.trial(manifest) as place_map:
            calibration = calibrate(place_map, version, staging.path)
        manifest = write_manifest(layout.version_dir(staging.map_path, version), manifest, calibration)
    staging.publish(manifest)
    return ChangeReport.of(map_dir, manifest, started_s, encoded=made.encoded, is_new=True)


def _with_codebook(
    staging: Staging,
    plan: Plan,
    revision: Revision,
    encoder: Encoder | None,
    options: BuildOptions,
    progress: Progress,
) -> Revision:
    """Return the revision with the codebook of the plan, which is learned first if the plan has none."""
    if plan.codebook is None:
        places = [place for segment in revision.new_segments for place in segment.places]
        with closing(encoded_sample(places, _needed(encoder), options, progress)) as pictures:
            shapes = with_codebook(revision.settings.features, pictures, progress)
        plan = replace(plan, codebook=shapes.local_codebook)
        staging.keep(plan)
    assert plan.codebook is not None  # noqa: S101  (it was learned, if it was not there)
    return revision.with_codebook(plan.codebook)


def _needed(encoder: Encoder | None) -> Encoder:
    if encoder is None:
        raise InvalidInput("pictures have to be encoded, and there is no network to do it")
    return encoder


def _make(
    staging: Staging,
    revision: Revision,
    numbered: Mapping[int, NewSegment],
    encoder: Encoder | None,
    options: BuildOptions,
    progress: Progress,
    engine: SegmentEngine | None,
) -> _Made:
    """Copy and encode the new segments, except those that an interrupted run has finished."""
    segments: dict[str, Segment] = {}
    encoded = 0
    to_copy = {number: segment for number, segment in numbered.items() if segment.copies}
    to_encode = {number: segment for number, segment in numbered.items() if segment.places}
    if revision.base is not None:
        copied_rows = sum(len(segment.copies) for segment in to_copy.values())
        check_space(staging, copied_rows * revision.settings.features.bytes_per_picture)
        segments |= copy_segments(staging, revision.base, to_copy, progress)
    tally = LeftOutTally(revision.listings, options.max_rejected, staging.left_out_path)
    if to_encode:
        builder = SegmentBuilder(
            revision,
            engine or LocalEngine(_needed(encoder)),
            staging,
            batch_size=options.batch_size,
            limits=options.limits,
            tally=tally,
            progress=progress,
        )
        built = builder.build(to_encode, revision.most_pictures)
        encoded = built.encoded
        segments |= {each.segment.id: each.segment for each in built.finished.values() if each.segment is not None}
    return _Made(segments, encoded, tally)


def _index_for(
    map_dir: Path, revision: Revision, segments: tuple[Segment, ...], progress: Progress
) -> tuple[str, BaseIndex | None]:
    """Return the kind of the new index, and the index of the base, whose kept files are compared with their sums."""
    base, settings = revision.base, revision.settings
    placed, width = sum(segment.live_rows for segment in segments), settings.features.global_dim
    factory = factory_named(settings.index, width)
    has_same_rows = base is not None and segments == base.segments
    if base is not None and has_same_rows:
        factory = base.index.factory
    elif factory == AUTO:
        choice = choose_index(placed, width)
        factory = choice.factory
        progress.message(f"index: {factory} (auto: {choice.reason})")
    if not has_same_rows:
        progress.message(f"writing the index of {placed:,} pictures")
    if base is None:
        return factory, None
    base_index = BaseIndex(map_dir, base.version, base.index, has_same_rows=has_same_rows)
    kept = base_index.kept_files(factory, placed, {segment.id for segment in segments})
    for name, expected in kept.items():
        _check_unchanged(map_dir / name, expected, map_dir)
    return factory, base_index


def _calibration_of(map_dir: Path, base: Manifest | None) -> bytes | None:
    """Return the calibration that the new version keeps."""
    if base is None or base.calibration is None:
        return None
    path = layout.version_dir(map_dir, base.version) / layout.CALIBRATION
    _check_unchanged(path, base.calibration, map_dir)
    return path.read_bytes()


def _is_as_before(
    map_dir: Path, base: Manifest, revision: Revision, segments: tuple[Segment, ...], left_out_list: bytes
) -> bool:
    """Return whether the new version would equal the old one."""
    if (segments, revision.sources) != (base.segments, base.sources):
        return False
    return left_out_list == left_out_csv(read_left_out(map_dir, base.version))


def _in_order(
    revision: Revision, numbered: Mapping[int, NewSegment], made: Mapping[str, Segment]
) -> tuple[Segment, ...]:
    """Return the segments of the new version, without new segments that have no pictures."""
    numbers = iter(numbered)
    segments: list[Segment] = []
    for segment in revision.segments:
        if isinstance(segment, Segment):
            segments.append(segment)
            continue
        new = made.get(layout.segment_id_of(next(numbers)))
        if new is not None:
            segments.append(new.model_copy(update={"source": segment.source}))
    return tuple(segments)


def _ids_of(staging: Staging, made: Mapping[str, Segment]) -> frozenset[str]:
    """Return the ids of the pictures of segments."""
    tables = (read_places(staging.segment_dir(segment.id) / layout.PLACES, segment.rows) for segment in made.values())
    return frozenset(str(place_id) for table in tables for place_id in table.column("id").to_pylist())


def _check_globals(staging: Staging, segments: list[Segment]) -> None:
    """Ensure that the features for the new index have not changed on the disk."""
    for segment in segments:
        path = staging.segment_dir(segment.id) / layout.GLOBALS
        _check_unchanged(path, segment.files[layout.GLOBALS], staging.map_dir)


def _check_unchanged(path: Path, expected: FileSum, map_dir: Path) -> None:
    if not path.is_file() or FileSum.of(path) != expected:
        raise MapCorrupt(
            f"{path} has changed since it was written, and a new version would answer from it; run placefix verify "
            f"{map_dir}. Nothing was published"
        )
