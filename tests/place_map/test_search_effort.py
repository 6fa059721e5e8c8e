"""Every kind of index is opened with its parameters of effort, and proposes the rows that its codes need."""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from place_map.global_index import read_index
from place_map.reader import PlaceMap
from place_map.search_effort import (
    GRAPH_CANDIDATES,
    LEAST_LISTS,
    REFINED_PER_HIT,
    SHARE_OF_LISTS,
    proposals_per_hit,
)
from tests.index_builder.map_factory import unit_rows, write_features_map

WIDTH = 16


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return unit_rows(np.random.default_rng(3).standard_normal((4000, WIDTH)))


def opened(tmp_path: Path, features: np.ndarray, factory: str) -> Any:
    if factory.startswith("OPQ"):
        features = features[:500]  # a rotation is learned for seconds, and longer from more
    with PlaceMap.open(write_features_map(tmp_path / "town", features, index=factory)) as place_map:
        return read_index(place_map)


@pytest.mark.parametrize("factory", ["IVF100,Flat", "OPQ8,IVF100,PQ8x4", "IVF100,PQ16x4fs,RFlat"])
def test_a_share_of_the_lists_is_looked_into(tmp_path: Path, features: np.ndarray, factory: str) -> None:
    index = opened(tmp_path, features, factory)
    lists = faiss.extract_index_ivf(index)
    assert lists.nprobe == round(100 * SHARE_OF_LISTS)
    if isinstance(index, faiss.IndexRefine):
        assert index.k_factor == REFINED_PER_HIT


@pytest.mark.parametrize(("lists", "probed"), [(20, LEAST_LISTS), (8, 8)])
def test_of_few_lists_more_are_looked_into(tmp_path: Path, features: np.ndarray, lists: int, probed: int) -> None:
    assert opened(tmp_path, features, f"IVF{lists},SQ8").nprobe == probed


@pytest.mark.parametrize("factory", ["HNSW16", "HNSW16_SQ8"])
def test_a_graph_is_walked_far(tmp_path: Path, features: np.ndarray, factory: str) -> None:
    assert opened(tmp_path, features, factory).hnsw.efSearch == GRAPH_CANDIDATES


@pytest.mark.parametrize(
    ("factory", "factor"),
    [
        ("Flat", 1.0),
        ("SQfp16", 1.0),
        ("SQ8", 1.5),
        ("PQ16x4fs", 4.0),
        ("PQ8x4fs", 16.0),
        ("IVF16,Flat", 1.0),
        ("IVF16,SQ8", 1.5),
        ("IVF16,PQ8x4fs", 16.0),
        ("IVF16,PQ8x4fs,RFlat", 1.0),
        ("OPQ8,PQ8x4", 16.0),
        ("HNSW16", 1.0),
        ("HNSW16_SQ8", 1.5),
    ],
)
def test_coarse_codes_have_to_propose_more(tmp_path: Path, features: np.ndarray, factory: str, factor: float) -> None:
    assert proposals_per_hit(faiss, opened(tmp_path, features, factory)) == factor
