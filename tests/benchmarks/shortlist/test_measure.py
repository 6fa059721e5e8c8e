"""Indexes are compared by the answers of the served search."""

from pathlib import Path

import numpy as np

from benchmarks.shortlist.command import indexes_for
from benchmarks.shortlist.measure import THREADS, measure_indexes
from benchmarks.shortlist.vectors_map import VectorsMap
from place_map.index_making import check_index_factory
from tests.index_builder.map_factory import unit_rows


def test_exact_indexes_find_all_and_a_narrow_look_does_not(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    vectors = unit_rows(random.standard_normal((3000, 16)))
    queries = unit_rows(random.standard_normal((20, 16))).astype(np.float32)
    flat, half, lists = measure_indexes(tmp_path, vectors, queries, ("SQfp16", "IVF100,Flat"), shortlist=50, repeats=1)
    assert (flat.factory, flat.recall, flat.first_found) == ("Flat", 1, 1)
    assert (half.recall, half.worst_recall) == (1, 1)
    assert half.file_bytes * 2 < flat.file_bytes * 1.01
    assert 0.3 < lists.recall < 1
    assert lists.worst_recall <= lists.recall
    for each in (flat, half, lists):
        assert set(each.milliseconds) == set(each.exact_milliseconds) == set(THREADS)
        assert min(each.milliseconds.values()) > 0


def test_a_map_gets_one_index_after_the_other(tmp_path: Path) -> None:
    vectors = unit_rows(np.random.default_rng(0).standard_normal((100, 16)))
    vectors_map = VectorsMap(tmp_path / "map", vectors)
    for factory in ("Flat", "SQ8"):
        with vectors_map.with_index(factory) as place_map:
            assert place_map.manifest.index.factory == factory
            np.testing.assert_array_equal(place_map.global_features(np.arange(100)), vectors)
    assert len(list((tmp_path / "map" / "versions").iterdir())) == 1


def test_all_indexes_can_be_made() -> None:
    for pictures in (10_000, 1_000_000):
        for factory in indexes_for(pictures, 64):
            check_index_factory(factory, 64)
