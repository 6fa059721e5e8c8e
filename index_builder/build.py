"""``placefix build``: build a map from collections, or continue an interrupted build."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from index_builder.build_options import BuildOptions
from index_builder.change_report import ChangeReport
from index_builder.changes.collections import source_hint
from index_builder.changes.rows import encoded_segments
from index_builder.changes.up_to_date import is_up_to_date
from index_builder.digests import request_digest
from index_builder.new_version import Calibrate, make_version
from index_builder.revision import MapSettings, Revision
from index_builder.segment_engine import SegmentEngine
from index_builder.sources.listing import SourceListing
from index_builder.staging import Staging
from index_builder.target import check_free, check_target, is_map, map_exists
from model.encoder import Encoder
from model.errors import InvalidInput
from model.preprocess import Preparation
from model.progress import SILENT, Progress
from model.rerankers.registry import make_reranker, reranker_named
from model.rerankers.reranker import RerankSettings
from model.weights_cache import licence_of
from place_map.code_learning import largest_side
from place_map.local_codec import LEARNED, global_type
from place_map.manifest import FeatureShapes, NetworkIdentity, NetworkInput
from place_map.unfinished import changing, clean_up_beside
from place_map.versions import read_manifest


def build_map(
    source: SourceListing | Sequence[SourceListing],
    encoder: Encoder,
    out: Path,
    options: BuildOptions | None = None,
    progress: Progress = SILENT,
    *,
    weights_path: Path | None = None,
    restart: bool = False,
    calibrate: Calibrate | None = None,
    engine: SegmentEngine | None = None,
) -> ChangeReport:
    """Build a map and publish it, or leave nothing at its path.

    After a kill or an interruption, the same call continues behind the last finished segment. The same pictures,
    network and options give the same bytes in every data file, on the same machine with the same versions and number of
    threads. An existing map is compared: if it already holds the result, there is nothing to do.

    The memory holds a few batches for any number of pictures, the listing, and at the end the vectors of the index.

    Args:
        source: The collection, or several; no two may have pictures of the same id.
        encoder: The network; only the calling thread uses it.
        out: The directory of the map, ``maps/NAME``.
        options: The options of the build.
        progress: The display of the progress, by batches.
        weights_path: The weights file of the network; the map keeps it as a hint.
        restart: Whether to throw away the work of an interrupted run.
        calibrate: The function that calibrates the map before it is published; None leaves it uncalibrated.
        engine: Encodes the segments, as the encoder would; by default the encoder does.

    Raises:
        InvalidInput: A path or an option cannot be used, also with this network, or two pictures have one id.
        MapExists: The path ``out`` holds something else.
        MapBusy: Another process builds the same map.
        BuildConflict: An unfinished build with another plan exists.
        StorageError: The disk is too small, is full, or cannot be written to. The build can be continued.
        TooManyRejected: More pictures cannot be read than is allowed.
        NothingUsable: No picture can be placed.
    """
    options = options or BuildOptions()
    listings = (source,) if isinstance(source, SourceListing) else tuple(source)
    started_s = time.perf_counter()
    check_target(out)
    check_ids(listings)
    if is_map(out):
        clean_up_beside(out)
        if not is_up_to_date(out, listings, encoder, options, progress):
            raise map_exists(out)
        return ChangeReport.of(out, read_manifest(out), started_s)
    revision = _revision(listings, encoder, options, weights_path)
    with changing(out):
        check_free(out)
        return replace(
            make_version(
                Staging(out), revision, encoder, options, progress, restart=restart, calibrate=calibrate, engine=engine
            ),
            duration_s=time.perf_counter() - started_s,
        )


def _revision(
    listings: Sequence[SourceListing], encoder: Encoder, options: BuildOptions, weights_path: Path | None
) -> Revision:
    size = options.segment_size_for(sum(len(listing.places) for listing in listings))
    settings = MapSettings(
        network=_network_identity(encoder, weights_path),
        preprocessing=encoder.preparation.preprocessing,
        features=_feature_shapes(encoder, options),
        thumbnails=options.thumbnails,
        index=options.index,
    )
    return Revision(
        kind="build",
        request_sha256=request_digest("build", (options, settings), *listings),
        base=None,
        settings=settings,
        sources=tuple(source_hint(listing) for listing in listings),
        segments=tuple(
            segment
            for number, listing in enumerate(listings)
            for segment in encoded_segments(number, listing.places, size)
        ),
        listings=dict(enumerate(listings)),
    )


def check_ids(listings: Sequence[SourceListing]) -> None:
    """Ensure that no collection is given twice, and that no two have pictures of the same id.

    Raises:
        InvalidInput: There is no collection, one is given twice, or two share an id.
    """
    if not listings:
        raise InvalidInput("a map is built from at least one collection")
    roots: set[Path] = set()
    first: dict[str, Path] = {}
    for listing in listings:
        root = listing.root.resolve()
        if root in roots:
            raise InvalidInput(f"{listing.root} is given twice")
        roots.add(root)
        for place in listing.places:
            other = first.setdefault(place.id, listing.root)
            if other is not listing.root:
                raise InvalidInput(
                    f"two pictures have the id {place.id!r}, in {other} and in {listing.root}. Build from the first "
                    "alone, then add the other: placefix add --prefix NAME/ puts NAME/ in front of its ids"
                )


def _network_identity(encoder: Encoder, weights_path: Path | None) -> NetworkIdentity:
    """Return the network of an encoder for a manifest."""
    return NetworkIdentity(
        family=encoder.family,
        fingerprint=encoder.fingerprint,
        is_trained=encoder.is_trained,
        config=encoder.config.to_dict(),
        input=_network_input(encoder.preparation),
        weights_path=None if weights_path is None else str(weights_path.resolve()),
        precision=encoder.precision,
        licence=encoder.weights_licence or licence_of(weights_path),
    )


def _network_input(preparation: Preparation) -> NetworkInput:
    values = asdict(preparation)
    del values["preprocessing"]
    return NetworkInput(**values)


def choose_reranker(encoder: Encoder, options: BuildOptions) -> str:
    """Return the name of the re-ranker of a map.

    Args:
        encoder: The network of the map.
        options: The options of the build; by default the re-ranker belongs to the network's method.

    Raises:
        InvalidInput: The re-ranker is unknown, the network lacks features that it needs, it has no match floor and the
            options give one, or the store learns codes and the features have too many channels.
    """
    name = options.reranker or encoder.reranker
    if options.reranker is not None or encoder.local_dim:
        make_reranker(name, encoder, RerankSettings(floor=options.match_floor))
    if options.store in LEARNED and encoder.local_dim:
        largest_side(encoder.local_grid, encoder.local_dim)
    return name


def _feature_shapes(encoder: Encoder, options: BuildOptions) -> FeatureShapes:
    """Return the shapes in which a map stores the features of a network."""
    reranker = choose_reranker(encoder, options)
    floor = encoder.match_floor if options.match_floor is None else options.match_floor
    return FeatureShapes(
        global_dim=encoder.global_dim,
        local_grid=encoder.local_grid,
        local_dim=encoder.local_dim,
        local_extras=encoder.local_extras,
        dtype=global_type(options.store),
        local_store=options.store,
        match_floor=floor if reranker_named(reranker).has_floor else None,
        reranker=reranker,
    )
