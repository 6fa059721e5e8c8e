import json
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.encoder import Encoder
from model.errors import InvalidInput
from model.preprocess import Preparation, Preprocessing
from model.selavpr.initialisation import seeded_network
from place_map.checks.contents import check_contents
from place_map.current import Current
from place_map.errors import MapCorrupt, MapNotFound, NetworkMismatch
from place_map.local_codec import STORES, StoreType
from place_map.reader import PlaceMap
from tests.conftest import TINY_CONFIG
from tests.index_builder.map_factory import build_small, unit_rows, with_index_file, write_features_map

COUNT = 23


@pytest.fixture(scope="module")
def features() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    return unit_rows(random.standard_normal((COUNT, 8))), unit_rows(random.standard_normal((COUNT, 6, 4)))


@pytest.fixture(scope="module")
def map_path(tmp_path_factory: pytest.TempPathFactory, features: tuple[np.ndarray, np.ndarray]) -> Path:
    return write_features_map(tmp_path_factory.mktemp("maps") / "town", *features, segment_rows=5)


@pytest.fixture(scope="module")
def place_map(map_path: Path) -> PlaceMap:
    return PlaceMap.open(map_path)


def test_the_map_says_what_it_is(place_map: PlaceMap, map_path: Path) -> None:
    assert (place_map.name, place_map.version, len(place_map)) == ("town", "000001", COUNT)
    assert not place_map.index_path.exists()  # Flat is made of the global features
    assert place_map.segment_of(0) == "000001"
    assert place_map.segment_of(22) == "000005"
    assert PlaceMap.open(str(map_path)).name == "town"


@given(st.lists(st.integers(0, COUNT - 1), max_size=40))
def test_rows_in_any_order_across_segments(
    place_map: PlaceMap, features: tuple[np.ndarray, np.ndarray], rows: list[int]
) -> None:
    wanted = np.array(rows, dtype=np.int64)
    found = place_map.global_features(wanted)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, features[0][wanted].astype(np.float32))
    local_features = place_map.local_features(wanted)
    assert local_features.dtype == torch.float16
    np.testing.assert_array_equal(local_features.numpy(), features[1][wanted])


def test_local_features_can_be_copied_into_a_buffer_of_the_caller(
    place_map: PlaceMap, features: tuple[np.ndarray, np.ndarray]
) -> None:
    buffer = torch.empty((10, 6, 4), dtype=torch.float16)
    rows = np.array([22, 0, 7])
    found = place_map.local_features(rows, out=buffer)
    assert found.data_ptr() == buffer.data_ptr()
    np.testing.assert_array_equal(found.numpy(), features[1][rows])
    for wrong in (torch.empty((2, 6, 4), dtype=torch.float16), torch.empty((10, 6, 4)), torch.empty((10, 6, 5))):
        with pytest.raises(InvalidInput, match="do not fit"):
            place_map.local_features(rows, out=wrong)


@pytest.mark.parametrize("store", STORES)
def test_every_store_is_read_across_segments(
    tmp_path: Path, features: tuple[np.ndarray, np.ndarray], store: StoreType
) -> None:
    path = write_features_map(tmp_path / "town", *features, segment_rows=5, local_store=store)
    rows = np.array([22, 0, 7, 7, 21])
    local_features = torch.from_numpy(features[1][rows].astype(np.float32))
    with PlaceMap.open(path) as place_map:
        assert place_map.store == store
        buffer = torch.empty((10, 6, 4), dtype=place_map.local_type)
        place_map.announce(rows)
        found = place_map.local_features(rows, out=buffer)
        assert found.data_ptr() == buffer.data_ptr()
        assert torch.equal(found, place_map.manifest.features.local_codec.round_trip(local_features))
        assert torch.equal(place_map.local_features(rows), found)
        with pytest.raises(InvalidInput, match="do not fit"):
            place_map.local_features(rows, out=torch.empty((10, 6, 4), dtype=torch.float64))
        with pytest.raises(InvalidInput, match="not all in a map of 23"):
            place_map.announce(np.array([COUNT]))


@pytest.mark.parametrize("store", STORES)
def test_extras_are_read_exactly_from_every_store(
    tmp_path: Path, features: tuple[np.ndarray, np.ndarray], store: StoreType
) -> None:
    extras = np.random.default_rng(2).standard_normal((COUNT, 6, 3)).astype(np.float32)
    path = write_features_map(tmp_path / "town", *features, segment_rows=5, local_store=store, local_extras=extras)
    rows = np.array([22, 0, 7, 7, 21])
    with PlaceMap.open(path) as place_map:
        beside = torch.zeros(8, 6, 3)
        found = place_map.local_features(rows, extras=beside)
        np.testing.assert_array_equal(beside[: len(rows)].numpy(), extras[rows])
        assert not beside[len(rows) :].any()
        codec = place_map.manifest.features.local_codec
        without = codec.round_trip(torch.from_numpy(features[1][rows].astype(np.float32)))
        assert torch.equal(found, without)
        assert torch.equal(place_map.local_features(rows), found)


@pytest.mark.parametrize("store", STORES)
def test_extras_that_are_not_finite_are_a_problem_of_their_own(
    tmp_path: Path, features: tuple[np.ndarray, np.ndarray], store: StoreType
) -> None:
    extras = np.ones((COUNT, 6, 2), np.float32)
    path = write_features_map(tmp_path / "good", *features, local_store=store, local_extras=extras)
    with PlaceMap.open(path) as place_map:
        assert list(check_contents(place_map, set())) == []
    extras[3, 5, 1] = np.nan
    path = write_features_map(tmp_path / "bad", *features, local_store=store, local_extras=extras)
    with PlaceMap.open(path) as place_map:
        [problem] = check_contents(place_map, set())
    assert "row 3 holds numbers beside its features that are not finite" in str(problem.message)


def test_a_map_of_format_1_is_read(tmp_path: Path, features: tuple[np.ndarray, np.ndarray]) -> None:
    """As it was written before local features had a store of their own."""
    path = write_features_map(tmp_path / "town", *features)
    with_index_file(path, features[0])
    manifest_path = path / "versions/000001/manifest.json"
    manifest = json.loads(manifest_path.read_text())
    manifest["format_version"] = 1
    del manifest["features"]["local_store"]
    content = json.dumps(manifest).encode()
    manifest_path.write_bytes(content)
    (path / "CURRENT").write_bytes(Current("000001", sha256(content).hexdigest()).to_bytes())
    with PlaceMap.open(path) as place_map:
        assert place_map.store == "float16"
        np.testing.assert_array_equal(place_map.local_features(np.arange(COUNT)).numpy(), features[1])


@pytest.mark.parametrize("chunk_rows", [1, 3, 5, 100])
def test_chunks_are_all_global_features_in_order(
    place_map: PlaceMap, features: tuple[np.ndarray, np.ndarray], chunk_rows: int
) -> None:
    chunks = list(place_map.global_chunks(chunk_rows))
    np.testing.assert_array_equal(np.concatenate(chunks), features[0])
    assert max(len(chunk) for chunk in chunks) <= chunk_rows


@pytest.mark.parametrize("rows", [[-1], [COUNT], [0, 99]])
def test_rows_that_are_not_there_are_refused(place_map: PlaceMap, rows: list[int]) -> None:
    with pytest.raises(InvalidInput, match="not all in a map of 23"):
        place_map.local_features(np.array(rows))
    with pytest.raises(InvalidInput):
        place_map.global_features(np.array(rows))


def test_dead_rows_are_passed_over(tmp_path: Path, features: tuple[np.ndarray, np.ndarray]) -> None:
    """As a later version will have them: here by hand."""
    path = write_features_map(tmp_path / "town", *features, segment_rows=5)
    manifest_path = path / "versions/000001/manifest.json"
    manifest = json.loads(manifest_path.read_text())
    dead = [3, 4, 5, 11]
    manifest["segments"][0]["dead_rows"] = [3, 4]
    manifest["segments"][1]["dead_rows"] = [0]
    manifest["segments"][2]["dead_rows"] = [1]
    manifest["counts"]["placed"] = COUNT - 4
    content = json.dumps(manifest).encode()
    manifest_path.write_bytes(content)
    (path / "CURRENT").write_bytes(Current("000001", sha256(content).hexdigest()).to_bytes())

    place_map = PlaceMap.open(path)
    live = np.delete(np.arange(COUNT), dead)
    assert len(place_map) == len(live)
    assert place_map.places.ids == [f"p{row}" for row in live]
    everything = np.arange(len(live))
    np.testing.assert_array_equal(place_map.local_features(everything).numpy(), features[1][live])
    np.testing.assert_array_equal(np.concatenate(list(place_map.global_chunks(2))), features[0][live])
    assert place_map.places.row_of("p6") == 3
    assert place_map.segment_of(3) == "000002"


def test_no_map(tmp_path: Path) -> None:
    with pytest.raises(MapNotFound, match="placefix build"):
        PlaceMap.open(tmp_path / "nothing")
    with pytest.raises(MapNotFound, match="no file CURRENT"):
        PlaceMap.open(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "versions/000001/manifest.json",
        "versions/000001/left_out.csv",
        "segments/000002/places.parquet",
        "segments/000002/globals.npy",
        "segments/000002/locals.npy",
    ],
)
def test_a_missing_cut_or_extended_file_is_refused(map_path: Path, tmp_path: Path, name: str) -> None:
    for damage in ("missing", "cut", "extended"):
        copy = tmp_path / damage
        shutil.copytree(map_path, copy)
        content = (copy / name).read_bytes()
        if damage == "missing":
            (copy / name).unlink()
        else:
            (copy / name).write_bytes(content[:-1] if damage == "cut" else content + b"x")
        with pytest.raises(MapCorrupt, match="manifest" if "manifest" in name else name.rpartition("/")[2]):
            PlaceMap.open(copy)


def test_files_of_the_right_size_that_hold_something_else_are_refused(map_path: Path, tmp_path: Path) -> None:
    for name in ("places.parquet", "globals.npy", "locals.npy"):
        copy = tmp_path / name
        shutil.copytree(map_path, copy)
        file = copy / "segments/000001" / name
        file.write_bytes(b"\0" * file.stat().st_size)
        with pytest.raises(MapCorrupt, match=name):
            PlaceMap.open(copy)


def test_a_closed_map_is_told(map_path: Path) -> None:
    with PlaceMap.open(map_path) as place_map:
        kept = place_map.local_features(np.array([1]))
    with pytest.raises(InvalidInput, match="closed"):
        place_map.local_features(np.array([1]))
    assert kept.isfinite().all()


def test_thumbnails_are_checked_when_they_are_read(tmp_path: Path, tiny_encoder: Encoder) -> None:
    path = build_small(tmp_path, tiny_encoder, count=6).map_path
    place_map = PlaceMap.open(path)
    file = path / "segments/000002/thumbnails.mjpeg"
    first, second = place_map.thumbnail(4), place_map.thumbnail(5)
    assert first is not None
    assert second is not None
    content = bytearray(file.read_bytes())
    assert content == first + second
    content[len(first) + 100] ^= 1
    file.write_bytes(content)
    assert place_map.thumbnail(4) == first
    with pytest.raises(MapCorrupt, match=r"row 1 in .*000002/thumbnails\.mjpeg differs"):
        place_map.thumbnail(5)
    file.write_bytes(content[:-1])
    with pytest.raises(MapCorrupt, match=r"row 1 in .*000002/thumbnails\.mjpeg differs"):
        place_map.thumbnail(5)
    file.unlink()
    with pytest.raises(MapCorrupt, match=r"000002/thumbnails\.mjpeg cannot be read"):
        place_map.thumbnail(5)
    with pytest.raises(InvalidInput):
        place_map.thumbnail(6)


def test_another_network_or_preprocessing_is_refused(tmp_path: Path, tiny_encoder: Encoder) -> None:
    place_map = PlaceMap.open(build_small(tmp_path, tiny_encoder, count=1).map_path)
    place_map.check_network(tiny_encoder)
    with pytest.raises(NetworkMismatch, match=tiny_encoder.fingerprint[:12]):
        place_map.check_network(Encoder(seeded_network(TINY_CONFIG, seed=8)))
    with pytest.raises(NetworkMismatch, match="--preprocess antialias"):
        place_map.check_network(
            Encoder(seeded_network(TINY_CONFIG, seed=7), "cpu", Preparation(preprocessing=Preprocessing.OFFICIAL_EVAL))
        )
    with pytest.raises(NetworkMismatch, match="made with --input-size 224x224, not 84x84"):
        place_map.check_network(Encoder(seeded_network(TINY_CONFIG, seed=7), "cpu", Preparation(height=84, width=84)))
