"""The reference of retrieval, on features with an obvious answer."""

import pytest
import torch
from torch.nn.functional import normalize

from model.errors import InvalidInput
from model.features import Features
from model.retrieval import retrieve


def features(global_features: list[list[float]], local_features: torch.Tensor) -> Features:
    return Features(torch.tensor(global_features), local_features, (1, local_features.shape[1]))


QUERY = features([[1.0, 0.0]], torch.eye(4)[None])
ALIKE, SWAPPED, FLAT = torch.eye(4), torch.eye(4)[[1, 0, 3, 2]], torch.ones(4, 4) / 2
DATABASE = features(
    [[0.0, 1.0], [1.0, 0.0], [0.6, 0.8], [0.6, 0.8]],
    torch.stack((ALIKE, FLAT, SWAPPED, ALIKE)),
)


def test_without_reranking_the_nearest_come_first_and_equals_keep_their_order() -> None:
    ranking = retrieve(QUERY, DATABASE, shortlist=4, rerank=False)
    assert ranking.rows.tolist() == [1, 2, 3, 0]
    torch.testing.assert_close(ranking.global_distances, torch.tensor([0.0, 0.8**0.5, 0.8**0.5, 2**0.5]))
    assert ranking.mutual_matches is None


def test_with_reranking_matches_decide_and_equals_keep_the_global_order() -> None:
    ranking = retrieve(QUERY, DATABASE, shortlist=4)
    assert ranking.rows.tolist() == [2, 3, 0, 1]
    assert ranking.mutual_matches is not None
    assert ranking.mutual_matches.tolist() == [4, 4, 4, 1]


def test_a_floor_leaves_out_matches_that_are_not_alike_enough() -> None:
    """The flat picture's one match has a cosine of 0.5, those of the others 1."""
    for floor, expected in ((0.5, 1), (0.51, 0)):
        counts = retrieve(QUERY, DATABASE, shortlist=4, floor=floor).mutual_matches
        assert counts is not None
        assert counts.tolist() == [4, 4, 4, expected]


def test_only_the_shortlist_is_reranked() -> None:
    assert retrieve(QUERY, DATABASE, shortlist=2).rows.tolist() == [2, 1]


def test_a_shortlist_longer_than_the_database_is_the_database() -> None:
    assert sorted(retrieve(QUERY, DATABASE, shortlist=100).rows.tolist()) == [0, 1, 2, 3]


def test_distances_are_euclidean() -> None:
    generator = torch.Generator().manual_seed(0)
    query = Features(normalize(torch.randn(1, 8, generator=generator)), torch.randn(1, 1, 2), (1, 1))
    database = Features(normalize(torch.randn(20, 8, generator=generator)), torch.randn(20, 1, 2), (1, 1))
    ranking = retrieve(query, database, shortlist=20, rerank=False)
    expected = torch.cdist(query.global_features, database.global_features)[0].sort().values
    torch.testing.assert_close(ranking.global_distances, expected, atol=1e-6, rtol=0)


def test_what_is_no_question_is_refused() -> None:
    with pytest.raises(InvalidInput, match="one query at a time, not 4"):
        retrieve(DATABASE, DATABASE, shortlist=1)
    with pytest.raises(InvalidInput, match="shortlist of 0"):
        retrieve(QUERY, DATABASE, shortlist=0)
