"""RANSAC over mutual matches counts those that a movement of the picture explains."""

import pytest
import torch
from torch.nn.functional import normalize

from model.encoder import Encoder
from model.matching import find_mutual_matches
from model.rerankers.registry import make_reranker
from model.rerankers.reranker import LocalFeatures, RerankSettings


def test_inliers_are_the_matches_that_moved_alike(tiny_encoder: Encoder) -> None:
    rows, columns = tiny_encoder.cells.cells
    random = torch.Generator().manual_seed(5)
    scene = normalize(torch.randn(rows, columns + 3, tiny_encoder.local_dim, generator=random), dim=-1)
    query, moved = scene[:, :columns].flatten(0, 1), scene[:, 3:].flatten(0, 1)
    other = normalize(torch.randn(rows * columns, tiny_encoder.local_dim, generator=random), dim=-1)
    reranker = make_reranker("ransac", tiny_encoder, RerankSettings())
    candidates = torch.stack([query, moved, other])
    scores = reranker.scores(reranker.compare(LocalFeatures(query), LocalFeatures(candidates)).numpy())
    assert scores[0] == rows * columns
    assert scores[1] >= 0.95 * rows * (columns - 3)
    assert scores[2] < 0.2 * scores[1]
    for candidate, score in zip(candidates, scores.tolist(), strict=True):
        inliers = reranker.pairs(LocalFeatures(query), LocalFeatures(candidate))
        matches = find_mutual_matches(query, candidate)
        assert inliers is not None
        assert len(inliers) == score <= len(matches)
        kept = set(zip(inliers.query_cells.tolist(), inliers.candidate_cells.tolist(), strict=True))
        assert kept <= set(zip(matches.query_cells.tolist(), matches.candidate_cells.tolist(), strict=True))


def test_a_floor_leaves_out_matches_before_the_plane_is_sought(tiny_encoder: Encoder) -> None:
    cells = tiny_encoder.cells.cells
    features = normalize(
        torch.randn(cells[0] * cells[1], tiny_encoder.local_dim, generator=torch.Generator().manual_seed(6)), dim=-1
    )
    query, candidates = LocalFeatures(features), LocalFeatures(-features[None])
    reranker = make_reranker("ransac", tiny_encoder, RerankSettings(floor=0.999))
    assert reranker.compare(query, candidates).tolist() == [[pytest.approx(0)]]
