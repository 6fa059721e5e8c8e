"""From a revision to a new version: make its segments, write its index and manifest, serve it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from index_builder.build_options import BuildOptions
from index_builder.build_plan import BuildPlan, digest_of
from index_builder.change_staging import ChangePlan, ChangeStaging
from index_builder.errors import NothingUsable
from index_builder.left_out import LeftOutTally
from index_builder.revision import NewSegment, Revision
from index_builder.segment_building import SegmentBuilder, check_space
from index_builder.segment_copying import copy_segments
from model.encoder import Encoder
from model.errors import InvalidInput
from model.progress import Progress
from place_map import layout
from place_map.errors import MapCorrupt
from place_map.file_sum import FileSum
from place_map.global_index import check_index_factory
from place_map.index_choice import AUTO, choose_index
from place_map.left_out import LeftOut, left_out_csv
from place_map.manifest import Change, Counts, Manifest
from place_map.place_table import read_places
from place_map.reader import PlaceMap
from place_map.segment import Segment
from place_map.version_writer import VersionContent, write_version_files
from place_map.versions import read_current


@dataclass(frozen=True)
class ChangeReport:
    """What a change has done.

    Attributes:
        map_path: The map.
        version: The one that is served now.
        parent: The one that it was made from.
        change: Pictures that were added, removed and replaced.
        counts: Of the version.
        encoded: Pictures that went through the network in this run.
        total_bytes: Size of the version.
        duration_s: Of this run.
        is_new: Whether this run has made the version; else there was nothing to do.
    """

    map_path: Path
    version: str
    parent: str | None
    change: Change
    counts: Counts
    encoded: int
    total_bytes: int
    duration_s: float
    is_new: bool = False

    @property
    def left_out_path(self) -> Path:
        """The list of pictures that are not in the map."""
        return layout.version_dir(self.map_path, self.version) / layout.LEFT_OUT


def revise(
    staging: ChangeStaging,
    revision: Revision,
    encoder: Encoder | None,
    options: BuildOptions,
    progress: Progress,
    *,
    restart: bool = False,
) -> ChangeReport:
    """Makes and publishes a new version.

    Killed or interrupted, the same call continues behind the last finished segment.

    Args:
        staging: Of the map, whose lock is held.
        revision: What the new version shall consist of.
        encoder: For pictures that have to be encoded.
        options: Batch size, segment size, and the share of pictures that may be rejected. The index is chosen as that
            of the base was.
        progress: Told about every batch.
        restart: Throw away what an interrupted run has done.

    Raises:
        BuildConflict: Another change of the map is unfinished.
        MapCorrupt: A file of the map that would be used has changed since it was written.
        NothingUsable: The map would have no picture.
        TooManyRejected: More pictures cannot be read than was allowed.
        OSError: The disk does not take it. The change can be continued.
    """
    started_s = time.perf_counter()
    base, map_dir = revision.base, staging.map_dir
    version, first_segment = staging.numbers()
    staging.begin(
        ChangePlan(
            kind=revision.kind,
            base=read_current(map_dir).to_bytes().decode("ascii").strip(),
            request_sha256=revision.digest(),
            encoding=_encoding_of(revision, encoder, options),
            version=version,
            first_segment=first_segment,
        ),
        restart=restart,
    )
    numbered = dict(enumerate(revision.new_segments, first_segment))
    made, encoded, left_out = _make(staging, revision, numbered, encoder, options, progress)
    segments = _in_order(revision, numbered, made)
    left_out_list = left_out_csv(left_out)
    if _is_as_before(map_dir, revision, segments, left_out_list):  # only pictures that could not be read before either
        staging.throw_away()
        return report_of(map_dir, base, encoded, started_s)
    placed = sum(segment.live_rows for segment in segments)
    if not placed:
        staging.throw_away()  # of pictures that cannot be read there is nothing to keep
        raise NothingUsable(f"the map would have no picture; to have no map, remove {map_dir}")
    _check_globals(staging, [segment for segment in segments if segment.id not in made])
    requested = base.index.requested or base.index.factory
    factory = requested
    if requested == AUTO:
        choice = choose_index(placed, base.features.global_dim)
        factory = choice.factory
        progress.message(f"index: {factory} (auto: {choice.reason})")
    check_index_factory(factory, base.features.global_dim, placed)
    progress.message(f"writing the index of {placed:,} pictures")
    outcomes = [entry.outcome for entries in left_out.values() for entry in entries]
    manifest = write_version_files(
        layout.version_dir(staging.map_path, version),
        VersionContent(
            version=version,
            parent=base.version,
            change=revision.change(_ids_of(staging, made)),
            next_segment=first_segment + len(numbered),
            sources=revision.sources,
            network=base.network,
            preprocessing=base.preprocessing,
            features=base.features,
            counts=Counts(placed=placed, skipped=outcomes.count("skipped"), rejected=outcomes.count("rejected")),
            segments=segments,
            index_factory=factory,
            index_requested=requested,
            left_out_csv=left_out_list,
        ),
        staging.segment_dir,
    )
    staging.publish_change(manifest)
    PlaceMap.open(map_dir).close()
    return replace(report_of(map_dir, manifest, encoded, started_s), is_new=True)


def report_of(map_dir: Path, manifest: Manifest, encoded: int, started_s: float) -> ChangeReport:
    """The report of a version that is there."""
    return ChangeReport(
        map_path=map_dir,
        version=manifest.version,
        parent=manifest.parent,
        change=manifest.change,
        counts=manifest.counts,
        encoded=encoded,
        total_bytes=manifest.total_bytes,
        duration_s=time.perf_counter() - started_s,
    )


def _make(
    staging: ChangeStaging,
    revision: Revision,
    numbered: Mapping[int, NewSegment],
    encoder: Encoder | None,
    options: BuildOptions,
    progress: Progress,
) -> tuple[dict[str, Segment], int, Mapping[int, tuple[LeftOut, ...]]]:
    """Makes the new segments: by id; how many pictures were encoded; and what the new version leaves out."""
    made: dict[str, Segment] = {}
    left_out = dict(revision.left_out)
    to_copy = {number: segment for number, segment in numbered.items() if segment.copies}
    to_encode = {number: segment.places for number, segment in numbered.items() if segment.places}
    copied_rows = sum(len(segment.copies) for segment in to_copy.values())
    check_space(staging, copied_rows * revision.base.features.bytes_per_picture)
    made |= copy_segments(staging, revision.base, to_copy, progress)
    encoded = 0
    if revision.listing is not None:
        tally = LeftOutTally(revision.listing, options.max_rejected, staging.left_out_path, revision.found)
        if to_encode:
            if encoder is None:
                raise InvalidInput("pictures have to be encoded, and there is no network to do it")
            builder = SegmentBuilder(
                revision.listing,
                encoder,
                staging,
                batch_size=options.batch_size,
                thumbnails=_has_thumbnails(revision.base),
                store=revision.base.features.local_codec.store,
                limits=options.limits,
                tally=tally,
                progress=progress,
            )
            rows = revision.base.counts.placed + sum(len(places) for places in to_encode.values())
            built = builder.build(to_encode, rows)
            encoded = built.encoded
            for checkpoint in built.checkpoints.values():
                if checkpoint.segment is not None:
                    made[checkpoint.segment.id] = checkpoint.segment
        left_out[revision.listed] = (*left_out.get(revision.listed, ()), *tally.entries)
    return made, encoded, left_out


def _encoding_of(revision: Revision, encoder: Encoder | None, options: BuildOptions) -> str:
    """What decides the bytes of the encoded segments, as one line."""
    if encoder is None or revision.listing is None:
        return ""
    plan = BuildPlan.of(
        revision.listing,
        encoder,
        batch_size=options.batch_size,
        segment_size=options.segment_size_for(len(revision.listing.places)),
        thumbnails=_has_thumbnails(revision.base),
        store=revision.base.features.local_codec.store,
        limits=options.limits,
    )
    return digest_of([repr(plan)])


def _is_as_before(map_dir: Path, revision: Revision, segments: tuple[Segment, ...], left_out_list: bytes) -> bool:
    """Whether the new version would have nothing that the old one has not."""
    base = revision.base
    if (segments, revision.sources) != (base.segments, base.sources):
        return False
    return left_out_list == (layout.version_dir(map_dir, base.version) / layout.LEFT_OUT).read_bytes()


def _has_thumbnails(base: Manifest) -> bool:
    return any(segment.thumbnails.count for segment in base.segments)


def _in_order(
    revision: Revision, numbered: Mapping[int, NewSegment], made: Mapping[str, Segment]
) -> tuple[Segment, ...]:
    """The segments of the new version; of the new ones those that have pictures."""
    numbers = iter(numbered)
    segments: list[Segment] = []
    for segment in revision.segments:
        if isinstance(segment, Segment):
            segments.append(segment)
            continue
        new = made.get(layout.segment_id_of(next(numbers)))
        if new is not None:
            segments.append(replace_source(new, segment.source))
    return tuple(segments)


def replace_source(segment: Segment, source: int) -> Segment:
    """The same segment, of one of the manifest's sources."""
    return segment.model_copy(update={"source": source})


def _ids_of(staging: ChangeStaging, made: Mapping[str, Segment]) -> frozenset[str]:
    """The ids of the pictures of segments."""
    tables = (read_places(staging.segment_dir(segment.id) / layout.PLACES, segment.rows) for segment in made.values())
    return frozenset(str(place_id) for table in tables for place_id in table.column("id").to_pylist())


def _check_globals(staging: ChangeStaging, segments: list[Segment]) -> None:
    """Makes sure that the new index is not made of features that have changed on the disk."""
    for segment in segments:
        path = staging.segment_dir(segment.id) / layout.GLOBALS
        if not path.is_file() or FileSum.of(path) != segment.files[layout.GLOBALS]:
            raise MapCorrupt(
                f"{path} has changed since it was written, and a new version would answer from it; run placefix verify "
                f"{staging.map_dir}. Nothing was published"
            )
