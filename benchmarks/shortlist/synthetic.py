"""Synthetic places in any number, distributed like the town's: streets, stretches of them, pictures.

A vector is the town's mean, plus a deviation of its street, plus one of its stretch, plus its own; it has length 1. A
deviation mixes two deviations of the town, drawn at random. Its covariance is therefore the town's. It also keeps a
property that a normal distribution would lose: some streets are more similar to each other than others. A query is a
picture, shrunk towards the mean, plus a deviation of the town's queries from their right pictures: other light, other
weather, some metres aside.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.shortlist.town import TownFeatures

_CHUNK_ROWS = 65_536


@dataclass(frozen=True)
class Deviations:
    """Hold observed deviations with mean 0.

    Attributes:
        seen: ``(n, D)`` float32.
        parts: The factor on the number of dimensions: each part is drawn separately and has its share of the variance.
    """

    seen: NDArray[np.float32]
    parts: int = 1

    def sample(self, random: np.random.Generator, count: int) -> NDArray[np.float32]:
        """Return new deviations ``(count, parts · D)``: two observed ones, mixed by cosine and sine of an angle."""
        sampled = np.empty((count, self.parts, self.seen.shape[1]), np.float32)
        for part in range(self.parts):
            first, second = random.integers(0, len(self.seen), (2, count))
            angles = random.uniform(0, np.pi / 2, (count, 1)).astype(np.float32)
            sampled[:, part] = np.cos(angles) * self.seen[first] + np.sin(angles) * self.seen[second]
        return sampled.reshape(count, -1) * np.float32(self.parts**-0.5)


@dataclass(frozen=True)
class PlaceModel:
    """Describe the distribution of synthetic places.

    Attributes:
        mean: ``(D,)``, the mean of all pictures.
        streets: The deviations of streets from the mean.
        stretches: The deviations of stretches from their street.
        pictures: The deviations of pictures from their stretch.
        queries: The deviations of queries from the shrunk picture that is right for them.
        shrinkage: The share of a picture's deviation from the mean that remains in its query.
        stretches_per_street: The mean number in the town.
        pictures_per_stretch: The mean number in the town.
    """

    mean: NDArray[np.float32]
    streets: Deviations
    stretches: Deviations
    pictures: Deviations
    queries: Deviations
    shrinkage: float
    stretches_per_street: int
    pictures_per_stretch: int

    @classmethod
    def fitted(cls, town: TownFeatures, parts: int = 1) -> Self:
        """Fit the model to the features of the town.

        Args:
            town: The features of the town.
            parts: See ``Deviations.parts``; 4 makes vectors of 1024 from features of width 256.
        """
        mean = town.database.mean(axis=0)
        street_means, streets = _means(town.database - mean, town.streets)
        stretch_means, stretches = _means(town.database - mean, town.stretches)
        first_pictures = np.unique(stretches, return_index=True)[1]
        wanted = town.database[town.positives] - mean
        asked = town.queries - mean
        shrinkage = float((asked * wanted).sum() / (wanted * wanted).sum())
        per_stretch = len(stretches) / len(stretch_means)
        return cls(
            mean=np.tile(mean, parts) * np.float32(parts**-0.5),
            streets=Deviations(_centred(street_means), parts),
            stretches=Deviations(_centred(stretch_means - street_means[streets[first_pictures]]), parts),
            pictures=Deviations(_centred(town.database - mean - stretch_means[stretches]), parts),
            queries=Deviations(_centred(asked - shrinkage * wanted), parts),
            shrinkage=shrinkage,
            stretches_per_street=max(1, round(len(stretch_means) / len(street_means))),
            pictures_per_stretch=max(1, round(per_stretch)),
        )

    def places(self, count: int, seed: int) -> NDArray[np.float16]:
        """Return global features ``(count, D)`` of length 1, rounded as in a map, street after street."""
        random = np.random.default_rng(seed)
        per_street = self.stretches_per_street * self.pictures_per_stretch
        streets = self.streets.sample(random, -(-count // per_street))
        stretches = self.stretches.sample(random, -(-count // self.pictures_per_stretch))
        stretches += streets[np.arange(len(stretches)) // self.stretches_per_street]
        places = np.empty((count, len(self.mean)), np.float16)
        for start in range(0, count, _CHUNK_ROWS):
            rows = np.arange(start, min(start + _CHUNK_ROWS, count))
            vectors = self.mean + stretches[rows // self.pictures_per_stretch] + self.pictures.sample(random, len(rows))
            places[start : start + len(rows)] = _unit(vectors)
        return places

    def ask(self, places: NDArray[np.float16], count: int, seed: int) -> NDArray[np.float32]:
        """Return queries ``(count, D)`` of length 1, each for a place drawn from ``places``."""
        random = np.random.default_rng(seed)
        wanted = places[random.integers(0, len(places), count)].astype(np.float32) - self.mean
        return _unit(self.mean + self.shrinkage * wanted + self.queries.sample(random, count))


def compare_neighbours(town: TownFeatures, model: PlaceModel, queries: int = 300) -> dict[str, dict[int, float]]:
    """Return median distances of queries to their 1st, 10th and 100th neighbour, in the town and in as many synthetic
    places.

    Args:
        town: The features of the town.
        model: A model of the same width.
        queries: The number of queries for each.
    """
    drawn = model.places(len(town.database), seed=2)
    step = max(1, len(town.queries) // queries)
    return {
        "town": _neighbours(town.database, town.queries[::step]),
        "synthetic": _neighbours(drawn.astype(np.float32), model.ask(drawn, queries, seed=3)),
    }


def _neighbours(vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> dict[int, float]:
    squared = np.sort(2 - 2 * queries @ vectors.T, axis=1)  # (Q, n); all are of length 1
    return {rank: float(np.sqrt(np.median(squared[:, rank - 1]))) for rank in (1, 10, 100) if rank <= len(vectors)}


def _means(vectors: NDArray[np.float32], groups: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the mean of each group, and the number of each vector's group, from 0."""
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), vectors.shape[1]), np.float64)
    np.add.at(sums, numbers, vectors)
    return (sums / sizes[:, None]).astype(np.float32), numbers.astype(np.int64)


def _centred(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    centred: NDArray[np.float32] = vectors - vectors.mean(axis=0)
    return centred


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths
