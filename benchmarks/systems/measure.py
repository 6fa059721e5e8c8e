"""The measurement of one system, in a process of its own, so that its memory is its own."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np

from benchmarks import gardenspoint
from benchmarks.building.throughput import listing_of
from benchmarks.memory import peak_memory_bytes, reset_peak_memory
from benchmarks.systems.catalogue import System, find_weights, random_network
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from model.device import DeviceName, choose_device
from model.durable import sha256_of
from model.encoder import Encoder
from model.errors import PlacefixError
from model.images import DEFAULT_LIMITS
from model.network_precision import RequestedPrecision, choose_network_precision
from model.places import Place
from model.recall import DEFAULT_RECALL_VALUES
from model.weights import load_network
from model.weights_cache import WeightsCache
from place_map.feature_store import bytes_per_value
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from placefix.evaluation.run import Dataset, NetworkChoice
from service.decoding import decode_query
from service.encoded_query import encode_queries
from service.evaluate import EvaluationOptions
from service.localizer import Localizer
from service.query_options import QueryOptions
from service.stages import Stage
from service.words import Rerank

_Item = TypeVar("_Item")

MATCH_STAGES = (Stage.SHORTLIST, Stage.GATHER, Stage.RERANK)
"""The stages of a query between its features and its candidates."""

_CANDIDATES_AT_FIRST = 2

RECALL_VALUES = tuple(value for value in DEFAULT_RECALL_VALUES if value in (1, 5, 10))


@dataclass(frozen=True)
class Question:
    """Hold the pictures and the way of asking, the same for all systems.

    Attributes:
        dataset: The queries and the database.
        rerank: The number of candidates that are compared.
        timed_queries: The number of queries that are timed, one after the other.
        seconds: After so many seconds no further query of a system is timed; one always is.
        device: The device.
        network_precision: The precision of the networks; ``auto`` takes the one in which each is served.
    """

    dataset: Dataset
    rerank: int
    timed_queries: int
    seconds: float
    device: DeviceName
    network_precision: RequestedPrecision


def measure_apart(system: System, question: Question) -> dict[str, Any]:
    """Measure a system in a process of its own.

    Returns:
        The figures, as values for JSON.

    Raises:
        RuntimeError: The system could not be measured; the message says why.
    """
    context = get_context("spawn")  # a forked process would begin with the memory of this one
    ours, theirs = context.Pipe()
    with TemporaryDirectory(prefix="placefix-systems-") as folder:
        process = context.Process(target=_worker, args=(theirs, system, question, Path(folder)))
        process.start()
        theirs.close()
        try:
            figures, reason = ours.recv()
        except EOFError:
            process.join()
            raise RuntimeError(f"its process ended with exit code {process.exitcode}") from None
        finally:
            process.terminate()
            process.join()
    if reason is not None:
        raise RuntimeError(reason)
    measured: dict[str, Any] = figures
    return measured


def _worker(answers: Connection, system: System, question: Question, folder: Path) -> None:
    with suppress(KeyboardInterrupt):  # the process that started this one says that it was interrupted
        try:
            answers.send((measure(system, question, folder), None))
        except PlacefixError as error:
            answers.send((None, error.message))


def measure(system: System, question: Question, folder: Path) -> dict[str, Any]:
    """Measure a system in this process.

    Times, bytes and memory are of a map of as many pictures as are compared, evenly spread over the database, so that
    they do not depend on its size. Recall is of all pictures and queries.

    Args:
        system: The system.
        question: The pictures, and the way of asking.
        folder: An empty folder for the map.

    Raises:
        PlacefixError: The weights cannot be loaded, or a picture cannot be read.
    """
    weights = find_weights(system, WeightsCache())
    network = random_network(system) if weights is None else load_network(weights)
    device = choose_device(question.device).device
    precision = choose_network_precision(question.network_precision, device, of_network=network.precisions).precision
    choice = NetworkChoice(
        str(weights),
        None,
        question.device,
        "fast",
        precision,
        reranker=system.reranker,
        match_floor=system.floor,
    )
    recall = None if weights is None else _recall(choice, question)
    encoder = Encoder(network.to(device), device, precision=precision)
    del network  # the encoder has a form of its own
    dataset = question.dataset
    build_map(
        listing_of(spread(dataset.database, question.rerank)),
        encoder,
        folder / "sample",
        BuildOptions(thumbnails=False, reranker=system.reranker, match_floor=system.floor),
    )
    with PlaceMap.open(folder / "sample") as place_map:
        localizer = Localizer(encoder, place_map, open_searcher(place_map, device), "fast")
        reset_peak_memory()
        seconds = _time(localizer, spread(dataset.queries, question.timed_queries), question.seconds)
        peak_bytes = peak_memory_bytes()
        features = place_map.manifest.features
        global_bytes = bytes_per_value(features.dtype) * features.global_dim
        return {
            "system": system.name,
            "title": system.title,
            "weights": None if weights is None else weights.name,
            "weights_sha256": None if weights is None else sha256_of(weights),
            "picture_px": list(encoder.picture_size),
            "precision": precision,
            "reranker": localizer.reranker.name if localizer.reranker is not None else None,
            "candidates": len(place_map),
            "timed_queries": len(seconds),
            "ms": {stage: 1000 * median(each[stage] for each in seconds) for stage in seconds[0]},
            "global_bytes": global_bytes,
            "local_bytes": features.bytes_per_picture - global_bytes,
            "peak_memory_bytes": peak_bytes,
            "recall": recall,
        }


def spread(places: Sequence[_Item], count: int) -> tuple[_Item, ...]:
    """Return a number of places, evenly spaced; all if there are fewer."""
    chosen = np.linspace(0, len(places) - 1, min(count, len(places))).round().astype(int)
    return tuple(places[row] for row in chosen)


def _recall(choice: NetworkChoice, question: Question) -> Mapping[str, Any]:
    """Return recalls with intervals, by the global feature alone and re-ranked; without local features both agree."""
    options = EvaluationOptions(rerank=question.rerank, recall_values=RECALL_VALUES)
    [found] = gardenspoint.measure({"all": question.dataset}, choice, options).values()
    before = {f"R@{value}": asdict(interval) for value, interval in found.before.items()}
    after = {f"R@{value}": asdict(interval) for value, interval in found.after.items()}
    return {"before": before, "after": after or before}


def _time(localizer: Localizer, queries: Sequence[Place], most_s: float) -> list[dict[str, float]]:
    """Return the seconds of each stage of each query.

    The first query is asked twice, because it does one-time work; the first time it has few candidates.
    """
    mode: Rerank = "never" if localizer.reranker is None else "always"
    count = len(localizer.place_map)
    measured: list[dict[str, float]] = []
    begin_s = time.perf_counter()
    for number, query in enumerate((queries[0], *queries)):
        start_s = time.perf_counter()
        if number == 1:
            begin_s = start_s
        if number > 1 and start_s - begin_s > most_s:
            break
        compared = count if number else min(count, _CANDIDATES_AT_FIRST)
        image = decode_query(query.path, DEFAULT_LIMITS, localizer.preparation)
        decoded_s = time.perf_counter() - start_s
        [encoded] = encode_queries(localizer.encoder, image[None])
        found = localizer.localize(encoded, QueryOptions(compared, compared, mode))
        match_s = {str(stage): found.seconds.get(stage, 0.0) for stage in MATCH_STAGES}
        measured.append({str(Stage.DECODE): decoded_s, str(Stage.ENCODE): found.seconds[Stage.ENCODE], **match_s})
    return measured[1:]
