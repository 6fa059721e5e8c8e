"""The choice of ``--index auto`` can be built, and finds the exact shortlist."""

from pathlib import Path

import numpy as np
import pytest
import torch

from place_map import index_choice
from place_map.global_index import open_searcher, read_index
from place_map.index_choice import MOST_EXACT_BYTES, MOST_FLAT_BYTES, choose_index, factory_named
from place_map.index_making import check_index_factory
from place_map.reader import PlaceMap
from tests.index_builder.map_factory import unit_rows, write_features_map

WIDTH = 32


@pytest.mark.parametrize("width", [256, 384, 768, 1024])
def test_the_larger_a_map_the_fewer_bits_a_picture(width: int) -> None:
    most_flat, most_exact = MOST_FLAT_BYTES // (4 * width), MOST_EXACT_BYTES // (4 * width)
    picked = [choose_index(pictures, width) for pictures in (1, most_flat, most_flat + 1, most_exact, most_exact + 1)]
    assert [choice.factory for choice in picked] == ["Flat", "Flat", "SQfp16", "SQfp16", f"PQ{width}x4fs"]
    assert f"{most_exact + 1:,} pictures of width {width}" in picked[-1].reason
    for choice in picked:
        check_index_factory(choice.factory, width)


def test_what_it_picks_for_many_pictures_finds_almost_the_exact_shortlist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same map with each index: exact by half the bits, and 99 of 100 by an eighth."""
    random = np.random.default_rng(5)
    centres = random.standard_normal((40, WIDTH))
    features = unit_rows(centres[random.integers(0, 40, 4000)] + random.standard_normal((4000, WIDTH)))
    queries = torch.from_numpy(unit_rows(features[::40] + 0.1 * random.standard_normal((100, WIDTH))).astype("f4"))

    def searched(index: str) -> np.ndarray:
        with PlaceMap.open(write_features_map(tmp_path / index, features, index=index)) as place_map:
            return open_searcher(place_map, "cpu").search(queries, 100).rows

    exact = searched("Flat")
    monkeypatch.setattr(index_choice, "MOST_FLAT_BYTES", 0)
    np.testing.assert_array_equal(searched(choose_index(4000, WIDTH).factory), exact)
    monkeypatch.setattr(index_choice, "MOST_EXACT_BYTES", 0)
    coarse = searched(choose_index(4000, WIDTH).factory)
    assert np.mean([np.isin(*rows).mean() for rows in zip(exact, coarse, strict=True)]) > 0.99
    binary = searched(factory_named("binary", WIDTH))
    assert np.mean([np.isin(*rows).mean() for rows in zip(exact, binary, strict=True)]) > 0.95


@pytest.mark.parametrize("index", ["SQfp16", f"PQ{WIDTH}x4fs", factory_named("binary", WIDTH)])
def test_the_same_pictures_give_the_same_bytes(tmp_path: Path, index: str) -> None:
    features = unit_rows(np.random.default_rng(6).standard_normal((3000, WIDTH)))
    maps = [PlaceMap.open(write_features_map(tmp_path / name, features, index=index)) for name in ("one", "two")]
    one, two = (
        {name: (place_map.path / name).read_bytes() for name in place_map.manifest.index.files("000001")}
        for place_map in maps
    )
    assert one == two
    assert read_index(maps[0]).ntotal == 3000
