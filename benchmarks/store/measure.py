"""Every query on every store: one encoding and one shortlist, then a gather and a count for each store."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.decoding_threads import decoding_threads, default_decoders
from model.encoder import Encoder
from model.images import DEFAULT_LIMITS
from model.matching import MatchingPrecision, count_mutual_matches
from model.places import Place
from model.progress import Progress
from place_map.local_codec import StoreType
from place_map.reader import PlaceMap
from service.decoding import decode_query
from service.encoded_query import EncodedQuery, encode_queries
from service.localizer import Localizer

_ROWS_AT_A_TIME = 64

_Gather: TypeAlias = Callable[[NDArray[np.int64]], Tensor]


@dataclass(frozen=True)
class Way:
    """Describe one way of re-ranking.

    Attributes:
        store: The stored form of the database's local features.
        precision: The precision of counting.
    """

    store: StoreType
    precision: MatchingPrecision

    def __str__(self) -> str:
        return f"{self.store}, {self.precision}"


EXACT = Way("float32", "exact")


@dataclass(frozen=True)
class Reranked:
    """Hold the results of one way for its queries.

    Attributes:
        counts: ``(q, k)`` int64 mutual matches, in the order of the shortlist.
        gather_s: ``(q,)`` seconds of gathering the local features of the candidates in memory.
        match_s: ``(q,)`` seconds of counting.
    """

    counts: NDArray[np.int64]
    gather_s: NDArray[np.float64]
    match_s: NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """Hold all results.

    Attributes:
        is_right: ``(Q, k)`` whether each candidate of the shortlist is right, nearest in feature space first.
        reranked: Way → results for all queries; for ``EXACT`` only if ``exact_every`` is 1.
        exact: The results of ``EXACT`` for every n-th query.
        exact_every: The n of ``exact``.
        bytes_per_picture: Store → bytes of the local features of a picture.
    """

    is_right: NDArray[np.bool_]
    reranked: dict[Way, Reranked]
    exact: Reranked
    exact_every: int
    bytes_per_picture: dict[StoreType, int]


def measure(
    localizer: Localizer,
    maps: dict[StoreType, PlaceMap],
    queries: Sequence[Place],
    positives: Sequence[NDArray[np.int64]],
    *,
    shortlist: int,
    precision: MatchingPrecision,
    exact_every: int,
    batch_size: int,
    keep_on_device: bool,
    progress: Progress,
) -> Measurement:
    """Re-rank the shortlist of every query in every way.

    The ways take turns, query by query, and another one begins each time, so that a drifting speed of the machine
    affects all equally.

    Args:
        localizer: A localizer over one of the maps, with the network and the index for the shortlists.
        maps: Maps of the same pictures in different stores, including float32.
        queries: The queries.
        positives: The right rows of each query.
        shortlist: The number of candidates of a query.
        precision: The precision of counting, for every store.
        exact_every: Every n-th query is also counted exactly, from float32, as the slow reference.
        batch_size: The number of queries in one forward pass.
        keep_on_device: Whether all stored features lie in the memory of the device, so that many queries take less
            time; gathering is then a copy there.
        progress: The display of progress, advanced for every query.

    Raises:
        ImageError: A query cannot be read.
    """
    ways = [Way(store, precision) for store in maps]
    results = {
        way: _Collected(maps[way.store], localizer.place_map.manifest.features.match_floor) for way in [*ways, EXACT]
    }
    device = localizer.encoder.device
    gatherers: dict[StoreType, _Gather] = {
        store: on_device(place_map, device) if keep_on_device else _Gatherer(place_map, shortlist, device).gather
        for store, place_map in maps.items()
    }
    is_right: list[NDArray[np.bool_]] = []
    progress.started(len(queries), 0)
    for number, query in enumerate(_encoded(localizer.encoder, queries, batch_size)):
        rows = localizer.searcher.search(query.features.global_features, shortlist).rows[0]
        is_right.append(np.isin(rows, positives[number]))
        turn = number % len(ways)
        asked = [*ways[turn:], *ways[:turn]]
        if EXACT not in ways and number % exact_every == 0:
            asked.append(EXACT)
        for way in asked:
            results[way].ask(query.features.local_features[0], rows, gatherers[way.store], way.precision)
        progress.advanced(1)
    reranked = {way: results[way].finish() for way in ways}
    return Measurement(
        is_right=np.stack(is_right),
        reranked=reranked,
        exact=results[EXACT].finish(),
        exact_every=1 if EXACT in ways else exact_every,
        bytes_per_picture={store: _local_bytes(place_map) for store, place_map in maps.items()},
    )


class _Gatherer:
    """Gather local features of candidates in one buffer that is reused, as the localizer does."""

    def __init__(self, place_map: PlaceMap, shortlist: int, device: torch.device) -> None:
        self._device = device
        shapes = place_map.manifest.features
        self._map = place_map
        self._buffer = torch.empty(
            (min(shortlist, len(place_map)), shapes.local_count, shapes.local_dim), dtype=place_map.local_type
        )

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        return self._map.local_features(rows, out=self._buffer).to(self._device)


def on_device(place_map: PlaceMap, device: torch.device) -> _Gather:
    """Return a function that gathers candidates from the memory of a device, to which all features are copied now."""
    features = torch.cat(
        [
            place_map.local_features(np.arange(start, min(start + _ROWS_AT_A_TIME, len(place_map)))).to(device)
            for start in range(0, len(place_map), _ROWS_AT_A_TIME)
        ]
    )
    return lambda rows: features[torch.from_numpy(rows).to(device)]


class _Collected:
    """Collect the results of one way."""

    def __init__(self, place_map: PlaceMap, floor: float | None) -> None:
        self._codec = place_map.manifest.features.local_codec
        self._floor = None if floor is None else floor * self._codec.cosine
        self._counts: list[NDArray[np.int64]] = []
        self._gather_s: list[float] = []
        self._match_s: list[float] = []

    @torch.inference_mode()
    def ask(self, query: Tensor, rows: NDArray[np.int64], gather: _Gather, precision: MatchingPrecision) -> None:
        began_s = time.perf_counter()
        candidates = gather(rows)
        gathered_s = time.perf_counter()
        compared = self._codec.project(query)
        counts = count_mutual_matches(compared, candidates, precision=precision, floor=self._floor).cpu().numpy()
        self._match_s.append(time.perf_counter() - gathered_s)
        self._gather_s.append(gathered_s - began_s)
        self._counts.append(counts)

    def finish(self) -> Reranked:
        return Reranked(np.stack(self._counts), np.array(self._gather_s), np.array(self._match_s))


def _encoded(encoder: Encoder, queries: Sequence[Place], batch_size: int) -> Iterator[EncodedQuery]:
    with decoding_threads(default_decoders()) as pool:

        def started(start: int) -> list[Future[Tensor]]:
            return [
                pool.submit(decode_query, query.path, DEFAULT_LIMITS, encoder.preparation)
                for query in queries[start : start + batch_size]
            ]

        ahead = started(0)
        for start in range(batch_size, len(queries) + batch_size, batch_size):
            images, ahead = [decoding.result() for decoding in ahead], started(start)
            yield from encode_queries(encoder, torch.stack(images))


def _local_bytes(place_map: PlaceMap) -> int:
    shapes = place_map.manifest.features
    return shapes.local_codec.bytes_per_picture(shapes.local_count)
