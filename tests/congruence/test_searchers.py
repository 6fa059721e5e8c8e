"""faiss = torch = the plain torch oracle, on any features: random ones, near and exact duplicates."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.features import Features
from model.retrieval import retrieve
from place_map.global_index import Backend, open_searcher
from place_map.local_codec import StoreType
from place_map.reader import PlaceMap
from place_map.searching import SearchResult
from tests.examples import drawn
from tests.index_builder.map_factory import unit_rows, write_features_map

WIDTH = 24


@st.composite
def databases(draw: st.DrawFn) -> np.ndarray:
    """Return unit rows: independent ones, crowds around a point at any distance down to nothing, and exact copies."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 300))
    centres = random.standard_normal((draw(st.integers(1, 5)), WIDTH))
    spread = draw(st.sampled_from([0.0, 1e-4, 1e-3, 1e-2, 1.0]))
    rows = centres[random.integers(0, len(centres), count)] + spread * random.standard_normal((count, WIDTH))
    return unit_rows(rows)[random.integers(0, count, count) if draw(st.booleans()) else slice(None)]


def expected(database: np.ndarray, queries: np.ndarray, k: int) -> SearchResult:
    """Order by the definition: float64 distances rounded to float32, then by row."""
    distances = np.linalg.norm(queries[:, None].astype(np.float64) - database, axis=2).astype(np.float32)
    rows = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return SearchResult(np.take_along_axis(distances, rows, axis=1), rows)


@drawn(few=20, many=600)
@given(
    database=databases(),
    k=st.integers(1, 120),
    segment_rows=st.integers(20, 400),
    seed=st.integers(0, 2**32 - 1),
    index=st.sampled_from(["Flat", "SQfp16"]),
)
def test_every_searcher_gives_the_answer_of_the_definition(
    tmp_path_factory: pytest.TempPathFactory, database: np.ndarray, k: int, segment_rows: int, seed: int, index: str
) -> None:
    path = write_features_map(
        tmp_path_factory.mktemp("maps") / "town", database, segment_rows=segment_rows, index=index
    )
    random = np.random.default_rng(seed)
    near = database[random.integers(0, len(database), 20)].astype(np.float32)
    queries = np.concatenate([near, near + 1e-3, unit_rows(random.standard_normal((5, WIDTH)))]).astype(np.float32)
    definition = expected(database, queries, k)
    with PlaceMap.open(path) as place_map:
        for backend in ("faiss", "torch"):
            result = open_searcher(place_map, "cpu", backend).search(torch.from_numpy(queries), k)
            np.testing.assert_array_equal(result.distances, definition.distances)
            np.testing.assert_array_equal(result.rows, definition.rows)


@drawn(few=20, many=600)
@given(database=databases(), k=st.integers(1, 120), seed=st.integers(0, 2**32 - 1))
def test_the_definition_is_the_oracles(database: np.ndarray, k: int, seed: int) -> None:
    """Up to float32: rows whose distances the oracle's arithmetic cannot tell apart may trade places."""
    query = unit_rows(np.random.default_rng(seed).standard_normal((1, WIDTH))).astype(np.float32)
    no_locals = torch.zeros(len(database), 1, 2)
    ranking = retrieve(
        Features(torch.from_numpy(query), no_locals[:1], (1, 1)),
        Features(torch.from_numpy(database.astype(np.float32)), no_locals, (1, 1)),
        k,
        rerank=False,
    )
    definition = expected(database, query, k)
    np.testing.assert_allclose(ranking.global_distances.numpy(), definition.distances[0], rtol=1e-6)
    of_oracle = np.linalg.norm(database[ranking.rows.numpy()].astype(np.float64) - query, axis=1)
    np.testing.assert_allclose(of_oracle, definition.distances[0], rtol=1e-6)


@pytest.mark.parametrize("store", ["float16", "float32"])
@pytest.mark.parametrize("backend", ["faiss", "torch"])
def test_ties_across_the_end_of_the_shortlist_are_settled_by_row(
    tmp_path: Path, backend: Backend, store: StoreType
) -> None:
    """600 copies of one picture, and a shortlist of 10: the proposals have to be widened twice."""
    random = np.random.default_rng(0)
    database = unit_rows(random.standard_normal((3000, WIDTH))).astype(store)
    copies = np.sort(random.choice(3000, 600, replace=False))
    database[copies] = database[copies[0]]
    with PlaceMap.open(write_features_map(tmp_path / "town", database)) as place_map:
        result = open_searcher(place_map, "cpu", backend).search(
            torch.from_numpy(database[copies[:1]].astype(np.float32)), 10
        )
    np.testing.assert_array_equal(result.rows[0], copies[:10])


@pytest.mark.gpu
@pytest.mark.parametrize("store", ["float16", "float32"])
@pytest.mark.parametrize("backend", ["auto", "torch"])
def test_the_gpu_gives_the_answer_of_the_definition(tmp_path: Path, backend: Backend, store: StoreType) -> None:
    random = np.random.default_rng(0)
    database = random.standard_normal((5000, WIDTH))
    database = (database / np.linalg.norm(database, axis=1, keepdims=True)).astype(store)
    database[100:200] = database[:100]
    queries = unit_rows(random.standard_normal((40, WIDTH))).astype(np.float32)
    definition = expected(database, queries, 100)
    with PlaceMap.open(write_features_map(tmp_path / "town", database, segment_rows=700)) as place_map:
        searcher = open_searcher(place_map, "cuda", backend)
        assert searcher.name in ("faiss-gpu", "torch-cuda")
        result = searcher.search(torch.from_numpy(queries).cuda(), 100)
    np.testing.assert_array_equal(result.rows, definition.rows)
    np.testing.assert_array_equal(result.distances, definition.distances)
