"""Synthetic places have the distribution of the places to which they are fitted."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.shortlist.synthetic import Deviations, PlaceModel, compare_neighbours
from benchmarks.shortlist.town import TownFeatures

WIDTH, STREETS, STRETCHES, PICTURES = 24, 30, 8, 4


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: NDArray[np.float32] = (vectors / lengths).astype(np.float32)
    return result


@pytest.fixture(scope="module")
def town() -> TownFeatures:
    random = np.random.default_rng(0)
    count = STREETS * STRETCHES * PICTURES
    stretches = np.arange(count) // PICTURES
    streets = stretches // STRETCHES
    scale = np.linspace(2, 0.2, WIDTH) / WIDTH**0.5
    vectors = (
        0.8 * np.eye(WIDTH)[0]
        + 0.4 * (scale * random.standard_normal((STREETS, WIDTH)))[streets]
        + 0.4 * (scale * random.standard_normal((STREETS * STRETCHES, WIDTH)))[stretches]
        + 0.2 * random.standard_normal((count, WIDTH)) / WIDTH**0.5
    )
    database = unit(vectors)
    positives = np.arange(0, count, 2)
    queries = unit(database[positives] + 0.3 * random.standard_normal((len(positives), WIDTH)) / WIDTH**0.5)
    return TownFeatures(database, streets, stretches, queries, positives)


def test_deviations_keep_their_covariance() -> None:
    random = np.random.default_rng(1)
    seen = (random.standard_normal((500, 3)) @ [[1, 0.5, 0], [0, 1, 0.2], [0, 0, 0.3]]).astype(np.float32)
    seen -= seen.mean(axis=0)
    sampled = Deviations(seen).sample(random, 100_000)
    np.testing.assert_allclose(sampled.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(np.cov(sampled.T), np.cov(seen.T), atol=0.05)


def test_in_more_dimensions_lengths_stay() -> None:
    random = np.random.default_rng(1)
    seen = random.standard_normal((500, 8)).astype(np.float32)
    wide = Deviations(seen, parts=4).sample(random, 5000)
    assert wide.shape == (5000, 32)
    assert np.square(wide).sum(axis=1).mean() == pytest.approx(np.square(seen).sum(axis=1).mean(), rel=0.05)


def test_places_and_queries_have_neighbours_as_near_as_the_town_s(town: TownFeatures) -> None:
    model = PlaceModel.fitted(town)
    assert (model.stretches_per_street, model.pictures_per_stretch) == (STRETCHES, PICTURES)
    found = compare_neighbours(town, model)
    for rank, distance in found["town"].items():
        assert found["synthetic"][rank] == pytest.approx(distance, rel=0.15)


@pytest.mark.parametrize("parts", [1, 4])
def test_they_are_of_length_one_and_the_same_every_time(town: TownFeatures, parts: int) -> None:
    model = PlaceModel.fitted(town, parts)
    places = model.places(1001, seed=3)
    assert places.shape == (1001, parts * WIDTH)
    np.testing.assert_allclose(np.linalg.norm(places.astype(np.float32), axis=1), 1, atol=2e-3)
    np.testing.assert_array_equal(places, model.places(1001, seed=3))
    queries = model.ask(places, 10, seed=4)
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(queries, model.ask(places, 10, seed=4))
