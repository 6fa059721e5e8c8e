"""Recall of every number of cells, way of choosing and store, with one shortlist a query."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.ablations.outcome import Outcome
from benchmarks.cells.kept_features import KeptFeatures
from benchmarks.cells.ways import Score, chosen
from model.matching import count_mutual_matches
from model.progress import Progress
from place_map.local_codec import LocalCodec, StoreType

ALL = "all"


@dataclass(frozen=True)
class Choice:
    """Describe which cells are compared.

    Attributes:
        store: The stored form.
        way: The way of choosing; ``ALL`` for all cells.
        cells: The number of cells of a picture of the map.
        query_cells: The number of cells of a query.
    """

    store: StoreType
    way: str
    cells: int
    query_cells: int


def measure(
    database: KeptFeatures,
    queries: KeptFeatures,
    positives: Sequence[NDArray[np.int64]],
    ways: Mapping[str, Score],
    *,
    stores: Sequence[StoreType],
    counts: Sequence[int],
    floor: float | None,
    shortlist: int,
    progress: Progress,
) -> dict[Choice, Outcome]:
    """Re-rank the shortlist of every query in every way, by products in the precision ``fast``.

    Args:
        database: The features of the pictures that are searched.
        queries: The features of the queries.
        positives: The right rows of each query.
        ways: Name → way of choosing.
        stores: The stores to compare.
        counts: The numbers of cells to keep.
        floor: The least cosine of a match.
        shortlist: The number of candidates of a query.
        progress: The display, advanced for every query.
    """
    stored = {store: _Stored(database, store) for store in stores}
    kept = _Kept(database, ways, counts)
    found: dict[Choice, NDArray[np.int64]] = {}
    size = len(positives), min(shortlist, len(database.global_features))
    right, away = [], []
    progress.started(len(positives), 0)
    for number, rows_of_query in enumerate(positives):
        distances = np.linalg.norm(database.global_features - queries.global_features[number], axis=1)
        rows = np.argsort(distances, kind="stable")[:shortlist]
        right.append(np.isin(rows, rows_of_query))
        away.append(distances[rows].astype(np.float32))
        query, lengths = queries.local(number), torch.from_numpy(np.array(queries.lengths[number]))
        for store, of_store in stored.items():
            for way, cells, picked in _comparisons(query, lengths, rows, of_store.read(rows), kept):
                choice = Choice(store, way, picked.shape[1], len(cells))
                if choice not in found:
                    found[choice] = np.empty(size, np.int64)
                found[choice][number] = count_mutual_matches(cells, picked, precision="fast", floor=floor).numpy()
        progress.advanced(1)
    return {choice: Outcome(np.stack(right), np.stack(away), matches) for choice, matches in found.items()}


def _comparisons(
    query: Tensor, lengths: Tensor, rows: NDArray[np.int64], candidates: Tensor, kept: "_Kept"
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Yield the way of choosing, the cells of the query ``(L, C)`` and those of the candidates ``(k, M, C)``."""
    yield ALL, query, candidates
    for way, score in kept.ways.items():
        scores = score(query, lengths)
        for count in kept.counts:
            picked = torch.stack(
                [each[kept.cells(way, row, count)] for each, row in zip(candidates, rows.tolist(), strict=True)]
            )
            yield way, query, picked
            yield way, query[chosen(scores, count)], picked


class _Kept:
    """Choose the cells of each picture of the database once.

    Results that stay are in arrays made at the start, here and in ``measure``. If many small results lay between large
    ones that are freed, the freed memory would be in pieces too small for the next ones: 24 GB after 1,400 queries.
    """

    def __init__(self, database: KeptFeatures, ways: Mapping[str, Score], counts: Sequence[int]) -> None:
        self._database = database
        self.ways, self.counts = ways, counts
        pictures = len(database.local_features)
        self._is_known = np.zeros(pictures, bool)
        self._found = {(way, count): np.empty((pictures, count), np.int64) for way in ways for count in counts}

    def cells(self, way: str, row: int, count: int) -> Tensor:
        if not self._is_known[row]:
            features = self._database.local(row)
            lengths = torch.from_numpy(np.array(self._database.lengths[row]))
            scores = {name: score(features, lengths) for name, score in self.ways.items()}
            for (name, each), cells in self._found.items():
                cells[row] = chosen(scores[name], each).numpy()
            self._is_known[row] = True
        return torch.from_numpy(self._found[way, count][row])


class _Stored:
    """Round pictures of the database to a store when they are first read."""

    def __init__(self, database: KeptFeatures, store: StoreType) -> None:
        self._database = database
        self.codec = LocalCodec(store, database.local_features.shape[2])
        self._is_known = np.zeros(len(database.local_features), bool)
        self._read = torch.empty(database.local_features.shape, dtype=self.codec.decoded_type)

    def read(self, rows: NDArray[np.int64]) -> Tensor:
        """Return ``(k, N, C)`` as a map's reader does."""
        for row in rows[~self._is_known[rows]].tolist():
            self._read[row] = self.codec.round_trip(self._database.local(row)[None])[0]
            self._is_known[row] = True
        return self._read[torch.from_numpy(rows)]
