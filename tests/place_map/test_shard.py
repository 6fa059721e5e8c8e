"""The assignment of segments to shards, and the files that a shard opens."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.errors import InvalidInput
from place_map import layout
from place_map.checks.version import check_version
from place_map.errors import MapCorrupt
from place_map.file_sum import FileSum
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from place_map.segment import Segment, Thumbnails
from place_map.shard import Assignment, Shard, assign_segments
from place_map.versions import read_manifest
from tests.index_builder.map_factory import unit_rows, write_features_map

FILES = {name: FileSum(bytes=1, sha256="0" * 64) for name in layout.SEGMENT_FILES}


def segments_of(sizes: list[int]) -> list[Segment]:
    return [
        Segment(
            id=layout.segment_id_of(number), rows=size, files=FILES, thumbnails=Thumbnails(count=0, bytes=0)
        )
        for number, size in enumerate(sizes, start=1)
    ]  # fmt: skip


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=60), st.integers(1, 12))
def test_every_shard_has_segments_and_none_has_many_more_than_its_share(sizes: list[int], shards: int) -> None:
    segments = segments_of(sizes)
    if shards > len(sizes):
        with pytest.raises(InvalidInput, match=f"{len(sizes)} segments cannot be shared out among {shards} shards"):
            assign_segments(segments, shards)
        return
    owners = assign_segments(segments, shards)
    assert owners == assign_segments(segments, shards)
    assert set(owners) == set(range(shards))
    loads = np.bincount(owners, weights=sizes)
    assert loads.max() <= 1.1 * sum(sizes) / shards + max(sizes)


def test_the_assignment_stays_the_same_between_releases() -> None:
    assert assign_segments(segments_of([5] * 12), 3) == (1, 2, 2, 1, 1, 2, 0, 2, 0, 0, 1, 0)


@pytest.mark.parametrize("shards", [2, 5, 16])
def test_a_new_segment_or_one_more_shard_moves_few_segments(shards: int) -> None:
    before = assign_segments(segments_of([100] * 400), shards)
    grown = assign_segments(segments_of([100] * 420), shards)
    more = assign_segments(segments_of([100] * 400), shards + 1)
    assert sum(a != b for a, b in zip(before, grown, strict=False)) <= 20
    assert sum(a != b for a, b in zip(before, more, strict=True)) <= 1.5 * 400 / (shards + 1)


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/0", "1/1001", "1/3/5", "a/b", "-1/3", " 1/3", "1/03"])
def test_what_is_no_shard_is_told_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="as 1/3"):
        Shard.parse(text)


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return unit_rows(np.random.default_rng(3).standard_normal((50, 8)))


@pytest.fixture
def map_path(tmp_path: Path, features: np.ndarray) -> Path:
    return write_features_map(tmp_path / "town", features, segment_rows=9)


def test_a_shard_reads_the_files_of_its_segments_alone(map_path: Path, features: np.ndarray) -> None:
    whole = read_manifest(map_path)
    assignment = Assignment(whole, 2)
    for number in (0, 1):
        with PlaceMap.open(map_path, shard=Shard(number + 1, 2)) as part:
            rows = assignment.rows_of(number)
            assert part.places.ids == [f"p{row}" for row in rows.tolist()]
            np.testing.assert_array_equal(part.global_features(np.arange(len(part))), features[rows])
            np.testing.assert_array_equal(assignment.owners_of(rows), number)
            assert check_version(part) == sum(each.bytes for each in part.files.values()) > 0
    own = {segment.id for segment, owner in zip(whole.segments, assignment.owners, strict=True) if owner == 0}
    for path in map_path.glob("versions/*/left_out.csv"):
        path.unlink()
    for folder in map_path.glob("segments/*"):
        if folder.name not in own:
            (folder / layout.LOCALS).unlink()
    with PlaceMap.open(map_path, shard=Shard(1, 2)) as part:
        assert open_searcher(part, "cpu").name == "faiss-cpu"
    with pytest.raises(MapCorrupt, match="cannot be read"):
        PlaceMap.open(map_path, shard=Shard(2, 2))


def test_the_shards_of_a_map_have_every_row_once(map_path: Path) -> None:
    manifest = read_manifest(map_path)
    rows = [Shard(number, 3).rows(manifest) for number in (1, 2, 3)]
    np.testing.assert_array_equal(np.sort(np.concatenate(rows)), np.arange(50))


def test_the_index_of_a_shard_misses_nothing_where_that_of_the_map_would(tmp_path: Path) -> None:
    features = unit_rows(np.random.default_rng(4).standard_normal((400, 8)))
    path = write_features_map(tmp_path / "town", features, segment_rows=100, index="IVF8,Flat")
    with PlaceMap.open(path, shard=Shard(1, 2)) as part:
        rows = Shard(1, 2).rows(part.manifest)
        query = features[:1].astype(np.float32)
        found = open_searcher(part, "cpu").search(torch.from_numpy(query), len(part))
        plain = np.sqrt(((features[rows].astype(np.float64) - query) ** 2).sum(axis=1)).astype(np.float32)
        np.testing.assert_array_equal(found.distances[0], np.sort(plain))
