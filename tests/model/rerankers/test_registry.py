"""Re-rankers are made by their names, for networks that have the features they need."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from model.encoder import Encoder
from model.errors import InvalidInput
from model.matching import count_mutual_matches, find_mutual_matches
from model.network import MUTUAL_MATCHES
from model.rerankers.registry import RERANKERS, make_reranker
from model.rerankers.reranker import LocalFeatures, RerankSettings
from tests.model.descriptors.small_networks import SYSTEMS, small_network, small_size


def features(*shape: int, seed: int) -> torch.Tensor:
    return normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_each_is_listed_under_its_own_name() -> None:
    assert all(name == kind.name for name, kind in RERANKERS.items())


def test_each_belongs_to_a_system_that_is_built_served_and_asked() -> None:
    assert {each.reranker or each.network().reranker for each in SYSTEMS} == RERANKERS.keys()


@pytest.mark.parametrize("floor", [None, 0.3])
def test_mutual_matches_are_those_of_the_matcher(floor: float | None, tiny_encoder: Encoder) -> None:
    channels = tiny_encoder.local_dim
    query, candidates = features(40, channels, seed=1), features(3, 50, channels, seed=2)
    reranker = make_reranker(MUTUAL_MATCHES, tiny_encoder, RerankSettings(floor=floor))
    parts = reranker.compare(LocalFeatures(query), LocalFeatures(candidates))
    counts = count_mutual_matches(query, candidates, floor=floor)
    assert (parts.shape, parts.dtype) == ((3, reranker.parts), torch.float64)
    np.testing.assert_array_equal(reranker.scores(parts.numpy()), counts.numpy())
    pairs = reranker.pairs(LocalFeatures(query), LocalFeatures(candidates[1]))
    assert pairs is not None
    assert len(pairs) == counts[1]
    assert pairs.query_cells.tolist() == find_mutual_matches(query, candidates[1], floor=floor).query_cells.tolist()


def test_an_unknown_name_is_refused_with_those_that_exist(tiny_encoder: Encoder) -> None:
    with pytest.raises(InvalidInput, match=f"'luck' is not a re-ranker that this release knows \\({MUTUAL_MATCHES}"):
        make_reranker("luck", tiny_encoder, RerankSettings())


def test_a_network_without_local_features_is_refused() -> None:
    network = small_network("cosplace")
    encoder = Encoder(network, "cpu", network.preparation(size=small_size("cosplace")))
    with pytest.raises(InvalidInput, match="the network of the family cosplace has no local features"):
        make_reranker(MUTUAL_MATCHES, encoder, RerankSettings())
