"""An index joined from the codes of segments is the index that one process makes of all vectors, to the last bit."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import faiss
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from place_map import layout
from place_map.errors import MapCorrupt
from place_map.global_index import index_bytes, open_searcher, read_index
from place_map.index_codes import MOST_GROWTH, has_codes, kept_codes, needs_nothing
from place_map.index_entry import IndexEntry
from place_map.index_files import BaseIndex
from place_map.index_making import made_index
from place_map.manifest import Counts, Manifest
from place_map.reader import PlaceMap
from place_map.shard import Shard
from place_map.version_writer import VersionContent, write_version
from place_map.versions import read_manifest
from tests.index_builder.map_factory import unit_rows, with_index_file, write_features_map

WIDTH = 8
KINDS = ("Flat", "SQfp16", "SQ8", "SQ4", "PQ8x4fs", "PQ4x4fs", "PQ4x4np", "IVF2,Flat")


def features_of(count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    drawn = random.standard_normal((max(1, count * 2 // 3), WIDTH))
    return unit_rows(drawn[random.integers(0, len(drawn), count)])  # some are the same


def version_with(path: Path, dead: dict[str, list[int]], base: BaseIndex | None, index: str, version: str) -> Manifest:
    """Write a version of the segments that are there, with other dead rows."""
    old = read_manifest(path)
    segments = tuple(
        segment.model_copy(update={"dead_rows": tuple(dead.get(segment.id, ()))}) for segment in old.segments
    )
    placed = sum(segment.live_rows for segment in segments)
    return write_version(
        path,
        VersionContent(
            version=version,
            sources=old.sources,
            network=old.network,
            preprocessing=old.preprocessing,
            features=old.features,
            counts=Counts(placed=placed, skipped=0, rejected=0),
            segments=segments,
            index_factory=index,
            left_out_csv=b"path,outcome,code,reason\n",
            base_index=base,
        ),
    )


def serialised(index: Any) -> bytes:
    return bytes(faiss.serialize_index(index))


@pytest.mark.parametrize("index", KINDS)
@settings(max_examples=6)
@given(data=st.data())
def test_it_is_the_index_of_all_vectors(index: str, data: st.DataObject) -> None:
    count = data.draw(st.integers(40, 90), "rows")
    segment_rows = data.draw(st.integers(5, 100), "rows of a segment")
    features = features_of(count, data.draw(st.integers(0, 99), "seed"))
    with TemporaryDirectory() as folder:
        path = write_features_map(Path(folder) / "town", features, segment_rows=segment_rows, index=index)
        dead: dict[str, list[int]] = {}
        for segment in read_manifest(path).segments:
            rows = data.draw(st.sets(st.integers(0, segment.rows - 1), max_size=min(4, segment.rows - 1)), segment.id)
            dead[segment.id] = sorted(rows)
        manifest = version_with(path, dead, None, index, "000002")
        with PlaceMap.open(path) as place_map:
            live = np.concatenate(list(place_map.global_chunks()))
            whole = made_index(index, WIDTH, lambda: [live])
            joined = read_index(place_map)
            if not index.startswith("IVF"):  # its effort is set when it is read
                assert serialised(joined) == serialised(whole)
            assert (manifest.index.codes is not None) == has_codes(index, WIDTH)
            assert (manifest.index.file is None) == (has_codes(index, WIDTH) or needs_nothing(index, WIDTH))
            assert index_bytes(place_map) > 0
            queries = unit_rows(np.random.default_rng(1).standard_normal((5, WIDTH))).astype(np.float32)
            k = data.draw(st.integers(1, len(live)), "k")
            found = open_searcher(place_map, "cpu").search(torch.from_numpy(queries), k)
            if needs_nothing(index, WIDTH):
                exact = open_searcher(place_map, "cpu", "torch").search(torch.from_numpy(queries), k)
                np.testing.assert_array_equal(found.rows, exact.rows)
                np.testing.assert_array_equal(found.distances, exact.distances)


def test_a_version_keeps_the_codebook_and_the_codes(tmp_path: Path) -> None:
    path = write_features_map(tmp_path / "town", features_of(90, 1), segment_rows=30, index="PQ8x4fs")
    first = read_manifest(path)
    files = {name: (path / name).read_bytes() for name in first.index.files("000001")}
    assert set(files) == {"codes/000001/codebook.faiss", *(f"codes/000001/00000{number}.npy" for number in (1, 2, 3))}
    base = BaseIndex(path, "000001", first.index, has_same_rows=False)
    second = version_with(path, {"000002": [3, 7]}, base, "PQ8x4fs", "000002")
    assert second.index.codes == first.index.codes
    assert {name: (path / name).read_bytes() for name in files} == files
    assert {path.name for path in (path / "versions/000002").iterdir()} == {
        layout.MANIFEST,
        layout.POINTER,
        layout.LEFT_OUT,
    }
    with PlaceMap.open(path) as place_map, PlaceMap.open(path, "000001") as before:
        old, new = read_index(before), read_index(place_map)
        assert (old.ntotal, new.ntotal) == (90, 88)
        np.testing.assert_array_equal(faiss.vector_to_array(old.pq.centroids), faiss.vector_to_array(new.pq.centroids))


def test_a_codebook_is_learned_again_when_the_map_has_grown_or_the_index_is_another(tmp_path: Path) -> None:
    path = write_features_map(tmp_path / "town", features_of(90, 1), segment_rows=30, index="PQ8x4fs")
    entry = read_manifest(path).index
    assert kept_codes(entry, "PQ8x4fs", MOST_GROWTH * 90) == entry.codes
    assert kept_codes(entry, "PQ8x4fs", MOST_GROWTH * 90 + 1) is None
    assert kept_codes(entry, "SQ8", 90) is None
    assert kept_codes(IndexEntry(factory="PQ8x4fs", file=read_manifest(path).left_out), "PQ8x4fs", 9) is None
    base = BaseIndex(path, "000001", entry, has_same_rows=False)
    other = version_with(path, {}, base, "SQ8", "000002").index.codes
    assert other is not None
    assert other.number == "000002"
    with PlaceMap.open(path) as place_map:
        assert read_index(place_map).ntotal == 90
    with PlaceMap.open(path, "000001") as place_map:
        assert read_index(place_map).ntotal == 90


def test_a_shard_reads_the_codes_of_its_segments_alone(tmp_path: Path) -> None:
    path = write_features_map(tmp_path / "town", features_of(90, 1), segment_rows=30, index="PQ8x4fs")
    own = {segment.id for segment in PlaceMap.open(path, shard=Shard(1, 2)).segments}
    for segment in read_manifest(path).segments:
        if segment.id not in own:
            (path / "codes/000001" / f"{segment.id}.npy").unlink()
            (path / "segments" / segment.id / "globals.npy").unlink()
    with PlaceMap.open(path, shard=Shard(1, 2)) as shard:
        shard.check_sums()
        index = read_index(shard)
        assert isinstance(index, faiss.IndexPQFastScan)
        assert index.ntotal == len(shard) == 30 * len(own)
        assert index_bytes(shard) == len(own) * (path / "codes/000001" / f"{min(own)}.npy").stat().st_size
    (path / "codes/000001" / f"{min(own)}.npy").unlink()
    with pytest.raises(MapCorrupt, match=r"codes/000001/.*cannot be read"):
        PlaceMap.open(path, shard=Shard(1, 2))


def test_a_shard_of_an_index_in_one_file_compares_all_of_its_pictures(tmp_path: Path) -> None:
    for index in ("IVF2,Flat", "RR8,RaBitQfs", "PQ8x4fs"):
        path = write_features_map(tmp_path / index, features_of(90, 1), segment_rows=30, index=index)
        if index == "PQ8x4fs":
            with PlaceMap.open(path) as place_map:
                with_index_file(path, np.concatenate(list(place_map.global_chunks())))
        with PlaceMap.open(path, shard=Shard(1, 2)) as shard:
            assert isinstance(read_index(shard), faiss.IndexScalarQuantizer)
            assert open_searcher(shard, "cpu").rule == "all"


def test_a_map_of_the_format_before_answers_the_same_from_one_file(tmp_path: Path) -> None:
    """The manifest of an older map names a file, which gives the same answers as the codes."""
    features = features_of(90, 5)
    queries = torch.from_numpy(features_of(20, 6).astype(np.float32))
    for index in ("Flat", "SQfp16", "SQ8", "PQ8x4fs"):
        path = write_features_map(tmp_path / index, features, segment_rows=25, index=index)
        version_with(path, {"000001": [0, 5], "000004": [14]}, None, index, "000002")
        with PlaceMap.open(path) as place_map:
            new = open_searcher(place_map, "cpu").search(queries, 30)
            live = np.concatenate(list(place_map.global_chunks()))
        with_index_file(path, live)
        with PlaceMap.open(path) as place_map:
            assert place_map.manifest.format_version == 6
            assert place_map.index_path.is_file()
            answered = open_searcher(place_map, "cpu").search(queries, 30)
        np.testing.assert_array_equal(answered.rows, new.rows)
        np.testing.assert_array_equal(answered.distances, new.distances)
