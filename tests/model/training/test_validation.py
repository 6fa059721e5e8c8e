"""Validation against the plain retrieval."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.features import Features
from model.geo import LatLon
from model.places import Place
from model.recall import positives_within, recalls
from model.retrieval import retrieve
from model.training.config import ValidationConfig
from model.training.data import TrainingSet
from model.training.errors import UnsuitableTrainingData
from model.training.validation import Validator


def place(name: str, number: int) -> Place:
    return Place(name, Path(name), LatLon(number * 1e-4, 0.0))


PLACES = TrainingSet(
    database=[place(f"d{number}", number) for number in range(40)],
    queries=[place(f"q{number}", 2 * number) for number in range(15)],
)


def features_of(paths: Sequence[Path], local: tuple[int, int] = (2, 3), dim: int = 4) -> Features:
    """Return features that depend on the name, with few values, so that ties occur."""
    random = [np.random.default_rng(list(path.name.encode())) for path in paths]
    return Features(
        torch.stack([torch.from_numpy(each.integers(-2, 3, 3)).float() for each in random]),
        torch.stack([torch.from_numpy(each.integers(-3, 4, (local[0] * local[1], dim))).float() for each in random]),
        local,
    )


def encode(paths: Sequence[Path]) -> Generator[Features, None, None]:
    for first in range(0, len(paths), 7):
        yield features_of(paths[first : first + 7])


@pytest.mark.parametrize("shortlist", [1, 6, 20, 100])
def test_it_ranks_as_the_plain_retrieval_does(tmp_path: Path, shortlist: int) -> None:
    result = Validator(PLACES, ValidationConfig(shortlist=shortlist), tmp_path).measure(encode)
    database = features_of([each.path for each in PLACES.database])
    by_global, reranked = [], []
    for query in PLACES.queries:
        features = features_of([query.path])
        rows = retrieve(features, database, 40, rerank=False).rows.numpy()
        by_global.append(rows)
        best = retrieve(features, database, shortlist).rows.numpy()
        reranked.append(np.concatenate((best, rows[shortlist:])))
    positives = positives_within(PLACES.queries, PLACES.database)
    assert result.by_global == recalls(by_global, positives)
    assert result.reranked == recalls(reranked, positives)
    assert result.decisive_percent == result.reranked.percent[5]
    if shortlist > 1:
        assert result.by_global != result.reranked


def test_without_local_features_nothing_is_reranked(tmp_path: Path) -> None:
    def global_alone(paths: Sequence[Path]) -> Generator[Features, None, None]:
        yield Features(features_of(paths).global_features, torch.zeros(len(paths), 0, 0), (0, 0))

    result = Validator(PLACES, ValidationConfig(), tmp_path).measure(global_alone)
    assert result.by_global == result.reranked


def test_nothing_stays_on_the_disk(tmp_path: Path) -> None:
    Validator(PLACES, ValidationConfig(), tmp_path).measure(encode)
    assert not list(tmp_path.iterdir())


def test_a_right_answer_may_have_to_look_the_same_way(tmp_path: Path) -> None:
    north = [replace(each, heading_deg=350.0) for each in PLACES.database]
    places = TrainingSet(north, [replace(each, heading_deg=10.0) for each in PLACES.queries])
    without = Validator(PLACES, ValidationConfig(), tmp_path).measure(encode)
    assert Validator(places, ValidationConfig(heading_deg=20), tmp_path).measure(encode) == without
    with pytest.raises(UnsuitableTrainingData, match="no validation query of 15"):
        Validator(places, ValidationConfig(heading_deg=19), tmp_path)
