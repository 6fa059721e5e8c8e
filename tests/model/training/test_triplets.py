"""Mining against a brute-force search, on random layouts."""

import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from model.geo import LatLon, distance_m
from model.places import Place
from model.training.config import MiningConfig
from model.training.data import TrainingSet
from model.training.errors import UnsuitableTrainingData
from model.training.triplets import Draw, Triplet, TripletMiner

METRES_PER_DEGREE = 111_195.08  # metres per degree of latitude, on the mean sphere
DIM = 4


def place(side: str, number: int, north_m: float) -> Place:
    return Place(f"{side}{number}", Path(f"{side}{number}.jpg"), LatLon(north_m / METRES_PER_DEGREE, 13.0))


def street(queries_m: Sequence[float], database_m: Sequence[float]) -> TrainingSet:
    """Make pictures along a meridian, at metres north of the equator."""
    return TrainingSet(
        database=[place("d", number, north_m) for number, north_m in enumerate(database_m)],
        queries=[place("q", number, north_m) for number, north_m in enumerate(queries_m)],
    )


class RandomFeatures:
    """Make features that depend only on a picture's name, in batches; few values, so that ties occur."""

    def __init__(self, batch_size: int = 3) -> None:
        self.batch_size = batch_size
        self.encoded: list[Path] = []

    def of(self, path: Path) -> Tensor:
        random = np.random.default_rng(list(path.name.encode()))
        return torch.from_numpy(random.integers(0, 3, DIM)).float()

    def __call__(self, paths: Sequence[Path]) -> Iterator[Tensor]:
        self.encoded += paths
        for first in range(0, len(paths), self.batch_size):
            yield torch.stack([self.of(path) for path in paths[first : first + self.batch_size]])


def brute_force(places: TrainingSet, config: MiningConfig, draw: Draw) -> tuple[list[Triplet], int]:
    features = RandomFeatures()

    def nearest(query: Place, rows: list[int]) -> list[int]:
        return sorted(
            rows,
            key=lambda row: (float((features.of(query.path) - features.of(places.database[row].path)).norm()), row),
        )

    triplets, skipped = [], 0
    for row in draw.queries.tolist():
        query = places.queries[row]
        distances_m = [distance_m(query.position, each.position) for each in places.database]
        near = [number for number, away_m in enumerate(distances_m) if away_m <= config.positive_radius_m]
        far = [number for number in draw.pool.tolist() if distances_m[number] > config.negative_radius_m]
        if len(far) < config.negatives:
            skipped += 1
        else:
            triplets.append(Triplet(row, nearest(query, near)[0], tuple(nearest(query, far)[: config.negatives])))
    return triplets, skipped


metres = st.lists(st.integers(0, 120).map(float), min_size=3, max_size=25)


@settings(max_examples=150)
@given(
    queries_m=metres,
    database_m=metres,
    pool_size=st.integers(2, 12),
    negatives=st.integers(1, 2),
    batch_size=st.integers(1, 7),
    seed=st.integers(0, 1000),
)
def test_mining_is_the_brute_force_search(
    queries_m: list[float], database_m: list[float], pool_size: int, negatives: int, batch_size: int, seed: int
) -> None:
    places = street(queries_m, database_m)
    config = MiningConfig(pool_size=pool_size, negatives=negatives)
    if not any(distance_m(a.position, b.position) <= 10 for a in places.queries for b in places.database):
        with pytest.raises(UnsuitableTrainingData):
            TripletMiner(places, config)
        return
    miner = TripletMiner(places, config)
    draw = miner.draw(torch.Generator().manual_seed(seed), count=10)
    mined = miner.mine(draw, RandomFeatures(batch_size))
    triplets, skipped = brute_force(places, config, draw)
    assert list(mined.triplets) == triplets
    assert mined.skipped == skipped
    assert len(triplets) + skipped == len(draw.queries)


def test_the_25_metres_belong_to_the_query_itself() -> None:
    """Queries without a positive come first: dropped from one list and not from another, they would shift the rest."""
    queries_m = [9_000.0 + number for number in range(5)] + [number * 30.0 for number in range(20)]
    database_m = [number * 30.0 for number in range(20)]
    places = street(queries_m, database_m)
    miner = TripletMiner(places, MiningConfig())
    assert miner.queries_without_positive == 5
    mined = miner.mine(miner.draw(torch.Generator().manual_seed(0), 20), RandomFeatures())
    assert len(mined.triplets) == 20
    for triplet in mined.triplets:
        query = places.queries[triplet.query]
        assert distance_m(query.position, places.database[triplet.positive].position) <= 10
        for negative in triplet.negatives:
            assert distance_m(query.position, places.database[negative].position) > 25


def test_a_draw_depends_on_the_state_of_its_generator_alone() -> None:
    places = street([number * 5.0 for number in range(40)], [number * 5.0 for number in range(40)])
    miner = TripletMiner(places, MiningConfig(pool_size=7))
    generator = torch.Generator().manual_seed(3)
    first = miner.draw(generator, 10)
    state = generator.get_state()
    second = miner.draw(generator, 10)
    again = torch.Generator()
    again.set_state(state)
    repeated = TripletMiner(places, MiningConfig(pool_size=7)).draw(again, 10)
    np.testing.assert_array_equal(second.queries, repeated.queries)
    np.testing.assert_array_equal(second.pool, repeated.pool)
    assert first.queries.tolist() != second.queries.tolist()
    for draw in (first, second):
        assert len(set(draw.queries.tolist())) == 10
        assert draw.pool.tolist() == sorted(set(draw.pool.tolist()))
        assert len(draw.pool) == 7


def test_a_refresh_draws_no_more_than_there_is() -> None:
    miner = TripletMiner(street([0.0, 5.0, 900.0], [0.0, 50.0, 100.0]), MiningConfig())
    draw = miner.draw(torch.Generator().manual_seed(0), 1000)
    assert sorted(draw.queries.tolist()) == [0, 1]
    assert draw.pool.tolist() == [0, 1, 2]


def test_each_picture_is_encoded_once_and_only_if_it_is_needed() -> None:
    places = street([0.0, 1.0, 2.0], [number * 0.9 for number in range(13)] + [5000.0 + number for number in range(50)])
    features = RandomFeatures()
    miner = TripletMiner(places, MiningConfig(pool_size=4))
    draw = miner.draw(torch.Generator().manual_seed(1), 3)
    miner.mine(draw, features)
    assert len(features.encoded) == len(set(features.encoded))
    positives = {f"d{row}.jpg" for row in range(13)}
    needed = {f"d{row}.jpg" for row in draw.pool} | positives
    assert {path.name for path in features.encoded if path.name.startswith("d")} == needed
    assert len(needed) < len(places.database) / 2


def test_features_of_positives_are_let_go() -> None:
    """2,000 positives of one query: at no time are there more than two batches of their features."""
    alive: weakref.WeakSet[Tensor] = weakref.WeakSet()
    most_alive = 0

    class Watched(RandomFeatures):
        def __call__(self, paths: Sequence[Path]) -> Iterator[Tensor]:
            nonlocal most_alive
            for features in super().__call__(paths):
                alive.add(features)
                most_alive = max(most_alive, len(alive))
                yield features

    places = street([0.0], [number / 1000 for number in range(2000)] + [500.0, 501.0])
    miner = TripletMiner(places, MiningConfig(pool_size=2000))
    mined = miner.mine(miner.draw(torch.Generator().manual_seed(0), 1), Watched(batch_size=10))
    assert len(mined.triplets) == 1
    assert most_alive <= 2


def test_a_picture_is_no_positive_of_itself() -> None:
    places = TrainingSet(
        database=[place("p", 0, 0.0), place("d", 1, 5.0), place("d", 2, 500.0), place("d", 3, 501.0)],
        queries=[place("p", 0, 0.0), place("d", 2, 500.0)],
    )
    miner = TripletMiner(places, MiningConfig(positive_radius_m=10))
    assert miner.usable_queries.tolist() == [0, 1]
    mined = miner.mine(miner.draw(torch.Generator().manual_seed(0), 2), RandomFeatures())
    assert {triplet.query: triplet.positive for triplet in mined.triplets} == {0: 1, 1: 3}


def test_without_any_positive_training_does_not_begin() -> None:
    with pytest.raises(UnsuitableTrainingData, match=r"no training query of 2.*3 pictures.*within 10 m"):
        TripletMiner(street([500.0, 600.0], [0.0, 1.0, 2.0]), MiningConfig())
    with pytest.raises(UnsuitableTrainingData, match="has 2 pictures; a positive and 2 negatives need more"):
        TripletMiner(street([0.0], [0.0, 1.0]), MiningConfig())


def test_a_contrastive_loss_compares_what_is_far_from_the_query_itself() -> None:
    places = street([0.0, 20.0, 200.0], [0.0, 20.0, 40.0, 200.0, 300.0])
    miner = TripletMiner(places, MiningConfig())
    triplets = (Triplet(0, 0, (2, 3)), Triplet(1, 1, (3, 4)), Triplet(2, 3, (0, 1)))
    columns_m = [0.0, 40.0, 200.0, 20.0, 200.0, 300.0, 200.0, 0.0, 20.0]
    comparable = miner.comparable(triplets)
    assert comparable.shape == (3, 9)
    for row, query_m in enumerate((0.0, 20.0, 200.0)):
        for column, database_m in enumerate(columns_m):
            is_own = column // 3 == row
            assert bool(comparable[row, column]) == (is_own or abs(query_m - database_m) > 25)
