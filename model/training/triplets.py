"""Triplets of a query, a positive and negatives, mined in feature space as in the paper.

Queries are mined in groups. The positive is the picture within 10 m that is nearest in feature space. The negatives are
the nearest pictures of a random pool, shared by the group, that are farther than 25 m from *their own* query. (After a
query without a positive was dropped, the code of the published network measures the 25 m from another query.)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.geo import distances_m
from model.recall import positives_within
from model.training.config import MiningConfig
from model.training.data import TrainingSet
from model.training.errors import UnsuitableTrainingData

EncodeGlobally: TypeAlias = Callable[[Sequence[Path]], Iterator[Tensor]]
"""Batches of global features of pictures in their order, ``(b, D)`` float32 on the CPU."""


@dataclass(frozen=True)
class Triplet:
    """Hold a query with its positive and negatives.

    Attributes:
        query: Row of the queries.
        positive: Row of the database.
        negatives: Rows of the database, the nearest in feature space first.
    """

    query: int
    positive: int
    negatives: tuple[int, ...]


@dataclass(frozen=True)
class Draw:
    """Hold the random part of a refresh; everything else follows from the network.

    Attributes:
        queries: Rows of the queries, each once, in the order of training.
        pool: Rows of the database, each once, ascending.
    """

    queries: NDArray[np.int64]
    pool: NDArray[np.int64]


@dataclass(frozen=True)
class Mined:
    """Hold the result of a refresh.

    Attributes:
        triplets: The triplets, in the order of the drawn queries.
        skipped: The number of queries for which the pool holds too few pictures that are far enough.
    """

    triplets: tuple[Triplet, ...]
    skipped: int


class TripletMiner:
    """Mine the triplets of one data set.

    Memory holds the features of the drawn queries and of the pool, and one batch of others.

    Attributes:
        usable_queries: Rows of the queries that have a positive, ascending.
        queries_without_positive: The number of other queries, which are never drawn.
    """

    def __init__(self, places: TrainingSet, config: MiningConfig) -> None:
        """Find every query's positives.

        Raises:
            UnsuitableTrainingData: No query has a positive, or the database is smaller than a triplet needs.
        """
        self._places = places
        self._config = config
        self._positives = [
            _without_itself(rows, query.path, places)
            for query, rows in zip(
                places.queries,
                positives_within(places.queries, places.database, config.positive_radius_m),
                strict=True,
            )
        ]
        self.usable_queries = np.flatnonzero([len(rows) > 0 for rows in self._positives]).astype(np.int64)
        self.queries_without_positive = len(places.queries) - len(self.usable_queries)
        if not len(self.usable_queries):
            raise UnsuitableTrainingData(
                f"no training query of {len(places.queries)} has a picture of the database "
                f"({len(places.database)} pictures) within {config.positive_radius_m:g} m: check that both were taken "
                "at the same place, and mining.positive_radius_m"
            )
        if len(places.database) < 1 + config.negatives:
            raise UnsuitableTrainingData(
                f"the training database has {len(places.database)} pictures; a positive and {config.negatives} "
                "negatives need more"
            )
        self._latitudes = np.array([place.position.latitude for place in places.database])
        self._longitudes = np.array([place.position.longitude for place in places.database])

    def draw(self, generator: torch.Generator, count: int) -> Draw:
        """Draw queries and a pool; fewer if there are fewer.

        Args:
            generator: The only source of chance; it advances.
            count: The number of queries.
        """
        chosen = torch.randperm(len(self.usable_queries), generator=generator)[:count].numpy()
        pool = torch.randperm(len(self._places.database), generator=generator)[: self._config.pool_size].numpy()
        return Draw(queries=self.usable_queries[chosen], pool=np.sort(pool))

    def mine(self, draw: Draw, encode: EncodeGlobally) -> Mined:
        """Mine the triplets of a draw with the network's present weights.

        If distances are equal, the lower row of the database counts as nearer.

        Args:
            draw: The queries and the pool.
            encode: The encoder, which is called for the queries and for the needed pictures of the database.
        """
        query_features = torch.cat(list(encode([self._places.queries[row].path for row in draw.queries])))
        pool_features, positives = self._compare_database(draw, query_features, encode)
        triplets = []
        for slot, query in enumerate(draw.queries.tolist()):
            is_far = self._is_far(query, draw.pool)
            if np.count_nonzero(is_far) < self._config.negatives:
                continue
            distances = (pool_features - query_features[slot]).norm(dim=1)  # (p,)
            distances[torch.from_numpy(~is_far)] = torch.inf
            nearest = distances.argsort(stable=True)[: self._config.negatives].numpy()
            triplets.append(Triplet(query, positives[slot], tuple(draw.pool[nearest].tolist())))
        return Mined(tuple(triplets), skipped=len(draw.queries) - len(triplets))

    def paths(self, triplets: Sequence[Triplet]) -> list[Path]:
        """Return the files of some triplets: query, positive and negatives of each."""
        paths = []
        for triplet in triplets:
            paths.append(self._places.queries[triplet.query].path)
            paths += [self._places.database[row].path for row in (triplet.positive, *triplet.negatives)]
        return paths

    def comparable(self, triplets: Sequence[Triplet]) -> Tensor:
        """Return which pictures of the database in a batch a contrastive loss may compare with each query.

        Returns:
            ``(T, T·(1 + K))`` bool: true for the positive and negatives of the query's own triplet, and for pictures of
            other triplets that are farther than 25 m from this query.
        """
        rows = np.array([row for each in triplets for row in (each.positive, *each.negatives)])
        is_comparable = np.stack([self._is_far(each.query, rows) for each in triplets])
        size = 1 + self._config.negatives
        for number in range(len(triplets)):
            is_comparable[number, number * size : (number + 1) * size] = True
        return torch.from_numpy(is_comparable)

    def _compare_database(
        self, draw: Draw, query_features: Tensor, encode: EncodeGlobally
    ) -> tuple[Tensor, tuple[int, ...]]:
        """Return the features of the pool ``(p, D)``, and the nearest positive of each drawn query.

        Each picture is encoded once. Features of positives are compared as they come, and then released, because their
        number is not bounded.
        """
        slots_of: dict[int, list[int]] = {}
        for slot, query in enumerate(draw.queries.tolist()):
            for row in self._positives[query].tolist():
                slots_of.setdefault(row, []).append(slot)
        pool_slot_of = {row: slot for slot, row in enumerate(draw.pool.tolist())}
        rows = sorted(slots_of.keys() | pool_slot_of.keys())
        pool_features = torch.empty(len(draw.pool), query_features.shape[1])
        best_rows = [-1] * len(draw.queries)
        best_distances = [float("inf")] * len(draw.queries)
        first = 0
        for features in encode([self._places.database[row].path for row in rows]):
            for row, feature in zip(rows[first : first + len(features)], features, strict=True):
                if row in pool_slot_of:
                    pool_features[pool_slot_of[row]] = feature
                slots = slots_of.get(row, [])
                distances = (query_features[slots] - feature).norm(dim=1).tolist()
                for slot, distance in zip(slots, distances, strict=True):
                    if distance < best_distances[slot]:
                        best_rows[slot], best_distances[slot] = row, distance
            first += len(features)
        return pool_features, tuple(best_rows)

    def _is_far(self, query: int, pool: NDArray[np.int64]) -> NDArray[np.bool_]:
        position = self._places.queries[query].position
        return distances_m(position, self._latitudes[pool], self._longitudes[pool]) > self._config.negative_radius_m


def _without_itself(rows: NDArray[np.int64], query: Path, places: TrainingSet) -> NDArray[np.int64]:
    """Remove a picture from its own positives if it is on both sides: it would teach nothing."""
    return rows[[places.database[row].path != query for row in rows]] if len(rows) else rows
