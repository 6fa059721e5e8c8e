"""An evaluation from beginning to end: everything is checked before the network sees its first picture."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.pictures import told_of_passed_over
from index_builder.sources.query_list import select_queries
from index_builder.sources.read_options import ReadOptions
from model.device import DeviceName
from model.errors import InvalidInput
from model.images import DEFAULT_LIMITS, ImageLimits
from model.matching import MatchingPrecision
from model.network_precision import RequestedPrecision
from model.places import Place
from model.preprocess import Preprocessing
from model.progress import Progress
from model.weights_cache import AUTO
from place_map.global_index import open_searcher
from place_map.local_codec import StoreType
from place_map.reader import PlaceMap
from place_map.versions import read_manifest
from placefix.evaluation.collections import Collection, check_pictures, read_collection
from placefix.evaluation.truth import FrameTruth, NearbyTruth, PlaneTruth, Truth
from placefix.fresh_network import open_network
from placefix.progress import show_progress
from service.loading import load_maps
from service.localizer import Localizer


@dataclass(frozen=True)
class NetworkChoice:
    """Describe the network that answers.

    Attributes:
        weights: A checkpoint file or a known name; None for the map's, and for the best available for a fresh map.
        num_heads: The number of heads, if the file does not state it.
        device: The device of the network.
        matching_precision: Precision of the products in matching.
        network_precision: Precision of the products in the network; ``auto`` is the map's, or float32 for a fresh map.
        input_size: Height and width of the input; None is the map's, or the network's own for a fresh map.
        reranker: The re-ranker of a fresh map; None for that of the network's method.
        match_floor: The least cosine of a match in a fresh map; None for the network's own.
    """

    weights: str | None
    num_heads: int | None
    device: DeviceName
    matching_precision: MatchingPrecision
    network_precision: RequestedPrecision = "auto"
    input_size: tuple[int, int] | None = None
    reranker: str | None = None
    match_floor: float | None = None


@dataclass(frozen=True)
class Dataset:
    """Hold the queries, the database, and the right answers.

    Attributes:
        queries: The queries, after the list of queries has been applied.
        database: The pictures that are searched, in the order of the map's rows.
        positives: The right rows for each query; None if the positions of the queries are unknown.
        truth: The definition of a right answer; None if the positions of the queries are unknown.
        has_query_positions: Whether the positions of the queries are known.
        has_database_positions: Whether the positions of the pictures that are searched are known.
        collection: The collection for a fresh map; None if there is a map.
        left_out: Sentences for people about the pictures of each side that were left out.
    """

    queries: tuple[Place, ...]
    database: tuple[Place, ...]
    positives: list[NDArray[np.int64]] | None
    truth: Truth | None
    has_query_positions: bool
    has_database_positions: bool
    collection: Collection | None
    left_out: tuple[str, ...]


def read_dataset(
    queries: Sequence[Path],
    database: Sequence[Path],
    map_path: Path | None,
    truth: NearbyTruth | int,
    query_list: Path | None,
    reading: ReadOptions,
    *,
    may_be_unlabelled: bool = False,
    preprocessing: Preprocessing | None = None,
    limits: ImageLimits = DEFAULT_LIMITS,
) -> Dataset:
    """Read both sides, and find the right answers.

    Args:
        queries: Folders and CSV files of the queries.
        database: Folders and CSV files of the database; with a map only its CSV files with frame numbers, and only if
            these count.
        map_path: The map that is searched; None to build one.
        truth: The definition of a right answer: nearness, or a tolerance in frames.
        query_list: A file that names the queries that count.
        reading: The options of reading for both sides.
        may_be_unlabelled: Whether queries without positions are allowed, because not only recall is wanted.
        preprocessing: The preprocessing of a fresh map, antialias by default; an existing map has its own.
        limits: The limits on pictures.

    Raises:
        SourceError: Pictures cannot be read, or a list is wrong.
        MapError: The map cannot be used.
        InvalidInput: The right answers cannot be determined, or no query has a positive.
    """
    by_frame = isinstance(truth, int)
    asked = _read(queries, replace(reading, side="query"), by_frame=by_frame, may_be_unlabelled=True)
    is_unlabelled = not by_frame and not asked.has_positions and not asked.points_m
    if is_unlabelled and not may_be_unlabelled:
        raise InvalidInput(
            f"not one of the {len(asked.places):,} queries of {queries[0]} says where it was taken: recall cannot be "
            "computed. Give queries with positions (--latitude-column names an unusual column), or --predictions DIR "
            "to write the candidates of each, also as a file for the MSLS challenge"
        )
    searched = _read(database, reading, by_frame=by_frame, may_be_unlabelled=is_unlabelled) if database else None
    selected = asked.places if query_list is None else select_queries(asked.places, query_list)
    places = searched.places if map_path is None and searched is not None else _places_of(map_path)
    told = None if is_unlabelled else _told(truth, asked, searched)
    positives = None if told is None else _positives(told, selected, places)
    if map_path is not None:
        preprocessing = read_manifest(map_path).preprocessing
    whole = (preprocessing or Preprocessing.ANTIALIAS).decodes_whole
    check_pictures(selected, limits, whole=whole)
    if map_path is None:
        check_pictures(places, limits, whole=whole)
    sides = [("queries", asked), *([("database", searched)] if searched is not None and map_path is None else [])]
    return Dataset(
        queries=tuple(selected),
        database=tuple(places),
        positives=positives,
        truth=told,
        has_query_positions=asked.has_positions,
        has_database_positions=searched is None or searched.has_positions,
        collection=searched if map_path is None else None,
        left_out=tuple(
            f"{name}: {len(side.listing.left_out):,} of {len(side.listing):,} pictures are left out; the first: "
            f"{side.listing.left_out[0].path}: {side.listing.left_out[0].reason}"
            for name, side in sides
            if side.listing.left_out
        )
        + tuple(
            f"{name}: passed over: {told_of_passed_over(side.listing.passed_over)}"
            for name, side in sides
            if side.listing.passed_over
        ),
    )


@contextmanager
def open_localizer(
    dataset: Dataset,
    map_path: Path | None,
    network: NetworkChoice,
    store: StoreType,
    preprocessing: Preprocessing | None,
    batch_size: int,
    limits: ImageLimits = DEFAULT_LIMITS,
) -> Iterator[Localizer]:
    """Open a localizer over the map, or over a fresh map that is deleted afterwards.

    Args:
        dataset: The dataset to ask about.
        map_path: The map; None to build one from the dataset.
        network: The network.
        store: Type of the stored features of a fresh map.
        preprocessing: The preprocessing of a fresh map, antialias by default; for an existing map its own.
        batch_size: Pictures in one forward pass while a map is built.
        limits: The limits on pictures of a fresh map.

    Raises:
        PlacefixError: Something cannot be loaded or built.
    """
    if map_path is not None:
        loaded = load_maps(
            [map_path],
            weights=network.weights,
            device=network.device,
            network_precision=network.network_precision,
        )
        try:
            [served] = loaded.localizers.values()
            yield Localizer(loaded.encoder, served.place_map, served.searcher, network.matching_precision)
        finally:
            loaded.close()
        return
    if dataset.collection is None:
        raise InvalidInput("without a map there must be a database")
    opened = open_network(
        network.weights or AUTO,
        num_heads=network.num_heads,
        device=network.device,
        precision="float32" if network.network_precision == "auto" else network.network_precision,
        preprocessing=preprocessing or Preprocessing.ANTIALIAS,
        input_size=network.input_size,
    )
    encoder = opened.encoder
    options = BuildOptions(
        batch_size=batch_size,
        store=store,
        thumbnails=False,
        max_rejected=0,
        limits=limits,
        reranker=network.reranker,
        match_floor=network.match_floor,
    )
    with tempfile.TemporaryDirectory(prefix="placefix-evaluate-") as folder:
        fresh = Path(folder) / "database"
        with show_progress("encoding the database") as progress:
            if opened.told is not None:
                progress.message(opened.told)
            build_map(dataset.collection.listing, encoder, fresh, options, progress, weights_path=opened.weights_path)
        with PlaceMap.open(fresh) as place_map:
            yield Localizer(encoder, place_map, open_searcher(place_map, encoder.device), network.matching_precision)


@contextmanager
def asking() -> Iterator[Progress]:
    """Show the progress of the queries."""
    with show_progress("asking") as progress:
        yield progress


def _told(truth: NearbyTruth | int, asked: Collection, searched: Collection | None) -> Truth:
    """Return the definition of a right answer: by frames, points of a plane, or positions on the Earth."""
    if isinstance(truth, int):
        return FrameTruth(truth, asked.frames, {} if searched is None else searched.frames)
    searched_points_m = {} if searched is None else searched.points_m
    if bool(asked.points_m) != bool(searched_points_m):
        one, other = ("queries", "database") if asked.points_m else ("database", "queries")
        raise InvalidInput(
            f"the names of the {one} have easting and northing without a UTM zone, and the {other} says where on the "
            "Earth it is: no distance between the two can be measured. Give both with a zone, or both without"
        )
    if asked.points_m:
        return PlaneTruth(truth.threshold_m, truth.heading_deg, asked.points_m, searched_points_m)
    return truth


def _positives(truth: Truth, queries: Sequence[Place], database: Sequence[Place]) -> list[NDArray[np.int64]]:
    positives = truth.positives(queries, database)
    if not any(len(rows) for rows in positives):
        raise InvalidInput(
            f"not one of {len(queries):,} queries has a positive within {truth} among {len(database):,} pictures: "
            "every recall would be 0. Are both of the same place, and is the threshold right?"
        )
    return positives


def _read(paths: Sequence[Path], reading: ReadOptions, *, by_frame: bool, may_be_unlabelled: bool) -> Collection:
    return read_collection(paths, reading, by_frame=by_frame, may_be_unlabelled=may_be_unlabelled)


def _places_of(map_path: Path | None) -> tuple[Place, ...]:
    if map_path is None:
        raise InvalidInput("without a map there must be a database")
    with PlaceMap.open(map_path) as place_map:
        records = [place_map.places[row] for row in range(len(place_map))]
    return tuple(
        Place(record.id, Path(record.source_path), record.position, record.heading_deg, record.time)
        for record in records
    )
