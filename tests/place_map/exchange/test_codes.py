"""A map whose index is made of codes goes through an origin, and its index gives the same answers as before."""

from pathlib import Path

import faiss
import numpy as np
import pytest
import torch

from index_builder.changes.remove import Selection, remove_pictures
from index_builder.verify import verify_map
from place_map.exchange.cache import Cache
from place_map.exchange.fetch import fetch_version
from place_map.exchange.prune import prune_origin
from place_map.exchange.push import push_version
from place_map.global_index import open_searcher, read_index
from place_map.reader import PlaceMap
from place_map.shard import Shard
from place_map.versions import read_manifest
from tests.faults.map_state import MapState
from tests.index_builder.map_factory import unit_rows, write_features_map
from tests.place_map.exchange.origins import Place

WIDTH = 8
CODEBOOK = "codes/000001-codebook-"


def random_rows(count: int, seed: int) -> np.ndarray:
    return unit_rows(np.random.default_rng(seed).standard_normal((count, WIDTH)))


@pytest.mark.parametrize("index", ["PQ8x4fs", "PQ4x4", "SQ8"])
def test_an_index_of_codes_goes_through_an_origin(place: Place, index: str, tmp_path: Path) -> None:
    town, there = tmp_path / "town", tmp_path / "there" / "town"
    write_features_map(town, random_rows(90, seed=1), segment_rows=30, index=index)
    push_version(town, place.origin)
    first = fetch_version(place.origin, there)
    remove_pictures(town, Selection(ids=("p3", "p40")))
    assert read_manifest(town).index.codes == read_manifest(town, "1").index.codes is not None
    assert push_version(town, place.origin).files == 2  # the manifest and the list of left-out pictures: no codes again
    assert fetch_version(place.origin, there).files == 2 < first.files
    assert len([path for path in place.files() if path.startswith("codes/")]) == 1 + 3
    assert [path for path in place.files() if path.startswith(CODEBOOK)]
    prune_origin(place.origin, keep=1)
    assert len([path for path in place.files() if path.startswith("codes/")]) == 1 + 3
    assert verify_map(there).problems == ()
    assert MapState.of(there) == MapState.of(town)
    queries = torch.from_numpy(unit_rows(np.random.default_rng(2).standard_normal((5, WIDTH))).astype(np.float32))
    with PlaceMap.open(town) as here, PlaceMap.open(there) as fetched:
        assert bytes(faiss.serialize_index(read_index(here))) == bytes(faiss.serialize_index(read_index(fetched)))
        expected, found = (open_searcher(each, "cpu").search(queries, 10) for each in (here, fetched))
    np.testing.assert_array_equal(found.rows, expected.rows)
    np.testing.assert_array_equal(found.distances, expected.distances)


def test_a_shard_gets_the_codes_of_its_segments_alone(place: Place, tmp_path: Path) -> None:
    town = write_features_map(tmp_path / "town", random_rows(90, seed=1), segment_rows=10, index="PQ8x4fs")
    push_version(town, place.origin)
    for number in (1, 2):
        shard, there = Shard(number, 2), tmp_path / f"there{number}" / "town"
        fetch_version(place.origin, there, shard=shard)
        with PlaceMap.open(there, shard=shard) as part:
            part.check_sums()
            assert isinstance(read_index(part), faiss.IndexPQFastScan)
            own = {f"{segment.id}.npy" for segment in part.segments}
        assert {path.name for path in (there / "codes/000001").iterdir()} == own | {"codebook.faiss"}
        assert 0 < len(own) < 9
        assert fetch_version(place.origin, there, shard=shard).files == 0


def test_damaged_codes_are_fetched_anew(place: Place, tmp_path: Path) -> None:
    town, there = tmp_path / "town", tmp_path / "there" / "town"
    write_features_map(town, random_rows(90, seed=1), segment_rows=30, index="PQ8x4fs")
    push_version(town, place.origin)
    fetch_version(place.origin, there)
    (codes,) = (Cache(there).path / "codes").glob("000001-000002-*/000002.npy")
    content = codes.read_bytes()
    codes.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # the map has the same file
    assert verify_map(there).problems
    fetch_version(place.origin, there, check_sums=True)
    assert verify_map(there).problems == ()
    assert (there / "codes" / "000001" / "000002.npy").read_bytes() == content
