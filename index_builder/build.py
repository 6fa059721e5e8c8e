"""From a collection to a map: decode, encode, write, publish; continued where an earlier run was interrupted."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from index_builder.build_options import BuildOptions
from index_builder.build_plan import BuildPlan
from index_builder.left_out import LeftOutTally
from index_builder.segment_building import SegmentBuilder, feature_shapes
from index_builder.sources.listing import SourceListing
from index_builder.staging import Staging, open_staging
from index_builder.target import check_target
from model.encoder import Encoder
from model.errors import StorageError
from model.progress import SILENT, Progress
from place_map import layout
from place_map.global_index import check_index_factory
from place_map.index_choice import AUTO, choose_index
from place_map.left_out import left_out_csv
from place_map.manifest import Counts, Manifest, NetworkIdentity, SourceHint
from place_map.reader import PlaceMap
from place_map.version_writer import VersionContent, write_version
from place_map.versions import read_manifest


@dataclass(frozen=True)
class BuildReport:
    """What a build has done.

    Attributes:
        map_path: The published map.
        version: Its version.
        placed: Pictures in the map.
        skipped: Pictures without a usable position.
        rejected: Pictures that cannot be read.
        encoded: Pictures that went through the network in this run; the others came from an interrupted one.
        index: Its shortlist index, as faiss's ``index_factory`` knows it.
        total_bytes: Size of the map.
        left_out_path: The list of skipped and rejected pictures.
        duration_s: Of this run.
    """

    map_path: Path
    version: str
    placed: int
    skipped: int
    rejected: int
    encoded: int
    index: str
    total_bytes: int
    left_out_path: Path
    duration_s: float


def build_map(
    listing: SourceListing,
    encoder: Encoder,
    out: Path,
    options: BuildOptions | None = None,
    progress: Progress = SILENT,
    *,
    weights_path: Path | None = None,
    restart: bool = False,
) -> BuildReport:
    """Builds a map and publishes it, or leaves nothing at its place.

    Killed or interrupted, the same call continues behind the last finished segment. The same pictures, network and
    options give the same bytes in every data file, on the same machine with the same versions and number of threads.

    Memory: a few batches, whatever the number of pictures; the listing itself; and at the end the vectors of the index.

    Args:
        listing: What to build from.
        encoder: The network; used by the calling thread only.
        out: The directory that the map becomes: ``maps/NAME``.
        options: How.
        progress: Told about every batch.
        weights_path: Where the network came from; noted in the map as a hint.
        restart: Throw away what an interrupted run has done.

    Raises:
        InvalidInput: A path or an option that cannot be used.
        MapExists: There is something at ``out``.
        MapBusy: Another process builds the same map.
        BuildConflict: An unfinished build of something else is in the way.
        StorageError: The disk is too small, full, or does not take what is written. The build can be continued.
        TooManyRejected: More pictures cannot be read than was allowed.
        NothingUsable: Not one picture could be placed.
    """
    options = options or BuildOptions()
    started_s = time.perf_counter()
    check_target(out)
    index_requested = options.index
    if options.index == AUTO:
        choice = choose_index(len(listing.places), encoder.global_dim)
        progress.message(f"index: {choice.factory} (auto: {choice.reason})")
        options = replace(options, index=choice.factory)
    check_index_factory(options.index, encoder.global_dim, len(listing.places))
    try:
        with open_staging(out, _plan_of(listing, encoder, options), restart=restart) as staging:
            if staging is None:
                manifest, encoded = read_manifest(out), 0
            else:
                manifest, encoded = _build(listing, encoder, options, progress, staging, weights_path, index_requested)
                staging.publish(out)
    except OSError as error:
        raise StorageError(
            f"the map cannot be written: {error.strerror} ({error.filename or out.parent}); nothing was published. "
            "When this is mended, give the same command again: it continues behind the last finished segment"
        ) from error
    return BuildReport(
        map_path=out,
        version=manifest.version,
        placed=manifest.counts.placed,
        skipped=manifest.counts.skipped,
        rejected=manifest.counts.rejected,
        encoded=encoded,
        index=manifest.index.factory,
        total_bytes=manifest.total_bytes,
        left_out_path=layout.version_dir(out, manifest.version) / layout.LEFT_OUT,
        duration_s=time.perf_counter() - started_s,
    )


def _build(
    listing: SourceListing,
    encoder: Encoder,
    options: BuildOptions,
    progress: Progress,
    staging: Staging,
    weights_path: Path | None,
    index_requested: str,
) -> tuple[Manifest, int]:
    """Encodes what is missing, and writes the map; its manifest, and how many pictures were encoded."""
    tally = LeftOutTally(listing, options.max_rejected, staging.left_out_path)
    builder = SegmentBuilder(
        listing,
        encoder,
        staging,
        batch_size=options.batch_size,
        thumbnails=options.thumbnails,
        store=options.store,
        limits=options.limits,
        tally=tally,
        progress=progress,
    )
    places, size = listing.places, options.segment_size_for(len(listing.places))
    starts = range(0, len(places), size)
    built = builder.build({number: places[start : start + size] for number, start in enumerate(starts, 1)}, len(places))
    segments = tuple(checkpoint.segment for _, checkpoint in sorted(built.checkpoints.items()) if checkpoint.segment)
    placed = sum(segment.rows for segment in segments)
    tally.check_usable(placed)
    progress.message(f"writing the index of {placed:,} pictures")
    manifest = write_version(
        staging.map_path,
        VersionContent(
            version=layout.FIRST_NUMBER,
            sources=(SourceHint(kind=listing.kind, path=str(listing.root.resolve())),),
            network=network_identity(encoder, weights_path),
            preprocessing=encoder.preprocessing,
            features=feature_shapes(encoder, options.store),
            counts=Counts(placed=placed, skipped=tally.skipped, rejected=tally.rejected),
            segments=segments,
            index_factory=options.index,
            index_requested=index_requested,
            left_out_csv=left_out_csv({0: tally.entries}),
        ),
    )
    PlaceMap.open(staging.map_path).close()  # what no reader could open is not published
    return manifest, built.encoded


def network_identity(encoder: Encoder, weights_path: Path | None) -> NetworkIdentity:
    """The network of an encoder, as a manifest names it."""
    return NetworkIdentity(
        fingerprint=encoder.fingerprint,
        is_trained=encoder.is_trained,
        config=encoder.config.to_dict(),
        weights_path=None if weights_path is None else str(weights_path.resolve()),
        precision=encoder.precision,
    )


def _plan_of(listing: SourceListing, encoder: Encoder, options: BuildOptions) -> BuildPlan:
    return BuildPlan.of(
        listing,
        encoder,
        batch_size=options.batch_size,
        segment_size=options.segment_size_for(len(listing.places)),
        thumbnails=options.thumbnails,
        store=options.store,
        limits=options.limits,
    )
