import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from model.errors import DeviceUnavailable, InvalidInput
from place_map.errors import MapCorrupt
from place_map.global_index import (
    Backend,
    IndexDifference,
    find_difference,
    open_searcher,
    read_index,
)
from place_map.index_files import write_index_file
from place_map.index_making import check_index_factory
from place_map.reader import PlaceMap
from tests.index_builder.map_factory import unit_rows, with_index_file, write_features_map

COUNT, WIDTH = 300, 16


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return unit_rows(np.random.default_rng(3).standard_normal((COUNT, WIDTH)))


@pytest.fixture(scope="module")
def place_map(tmp_path_factory: pytest.TempPathFactory, features: np.ndarray) -> PlaceMap:
    return PlaceMap.open(write_features_map(tmp_path_factory.mktemp("maps") / "town", features, segment_rows=70))


def test_auto_on_the_cpu_is_faiss(place_map: PlaceMap) -> None:
    assert open_searcher(place_map, "cpu").name == "faiss-cpu"
    assert open_searcher(place_map, torch.device("cpu"), "torch").name == "torch-cpu"


def test_faiss_without_a_gpu_is_refused_by_name(place_map: PlaceMap) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(DeviceUnavailable, match="faiss"):
        open_searcher(place_map, "cuda", "faiss")


def test_without_faiss_torch_searches_and_no_index_is_made(
    place_map: PlaceMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert open_searcher(place_map, "cpu").name == "torch-cpu"
    with pytest.raises(InvalidInput, match=r"placefix\[cpu\]"):
        open_searcher(place_map, "cpu", "faiss")
    with pytest.raises(InvalidInput, match=r"placefix\[cpu\]"):
        check_index_factory("Flat", WIDTH)


@pytest.mark.parametrize("backend", ["faiss", "torch"])
def test_every_picture_finds_itself_at_distance_zero(
    place_map: PlaceMap, features: np.ndarray, backend: Backend
) -> None:
    result = open_searcher(place_map, "cpu", backend).search(torch.from_numpy(features.astype(np.float32)), 3)
    np.testing.assert_array_equal(result.rows[:, 0], np.arange(COUNT))
    np.testing.assert_array_equal(result.distances[:, 0], 0)
    assert (np.diff(result.distances, axis=1) >= 0).all()
    assert (result.distances.dtype.name, result.rows.dtype.name) == ("float32", "int64")


@pytest.mark.parametrize("backend", ["faiss", "torch"])
def test_a_shortlist_longer_than_the_map_is_the_whole_map(place_map: PlaceMap, backend: Backend) -> None:
    result = open_searcher(place_map, "cpu", backend).search(torch.ones(2, WIDTH), 5000)
    assert result.rows.shape == result.distances.shape == (2, COUNT)
    np.testing.assert_array_equal(np.sort(result.rows, axis=1), np.tile(np.arange(COUNT), (2, 1)))


@pytest.mark.parametrize("backend", ["faiss", "torch"])
def test_no_query_is_answered_by_nothing(place_map: PlaceMap, backend: Backend) -> None:
    result = open_searcher(place_map, "cpu", backend).search(torch.empty(0, WIDTH), 5)
    assert result.rows.shape == (0, 5)


@pytest.mark.parametrize("backend", ["faiss", "torch"])
def test_queries_that_make_no_sense_are_refused(place_map: PlaceMap, backend: Backend) -> None:
    searcher = open_searcher(place_map, "cpu", backend)
    for queries, k in (
        (torch.ones(WIDTH), 5),
        (torch.ones(1, WIDTH + 1), 5),
        (torch.full((1, WIDTH), torch.nan), 5),
        (torch.ones(1, WIDTH), 0),
    ):
        with pytest.raises(InvalidInput):
            searcher.search(queries, k)


@pytest.mark.parametrize("index", ["IVF16,Flat", "HNSW16", "SQ8", "IVF16,SQ8"])
def test_an_approximate_index_answers_in_full_and_with_exact_distances(
    tmp_path: Path, features: np.ndarray, index: str
) -> None:
    place_map = PlaceMap.open(write_features_map(tmp_path / "town", features, index=index))
    queries = torch.from_numpy(features[:20].astype(np.float32))
    result = open_searcher(place_map, "cpu").search(queries, 50)
    assert (result.rows >= 0).all()
    assert all(len(set(rows)) == 50 for rows in result.rows.tolist())
    exact = np.linalg.norm(features[result.rows].astype(np.float64) - queries.numpy()[:, None], axis=2)
    np.testing.assert_array_equal(result.distances, exact.astype(np.float32))
    # One list in sixteen is searched, which rarely holds 50 of 300 pictures: the rest comes from the exact search.
    assert (result.rows[:, 0] == np.arange(20)).mean() > 0.9
    assert find_difference(place_map) is None


def test_the_index_is_the_same_whatever_the_pieces(tmp_path: Path, features: np.ndarray) -> None:
    for size in (1, 7, COUNT):

        def chunks(size: int = size) -> Iterator[np.ndarray]:
            return (features[start : start + size] for start in range(0, COUNT, size))

        write_index_file(tmp_path / f"flat{size}", "Flat", WIDTH, chunks)
        write_index_file(tmp_path / f"ivf{size}", "IVF8,Flat", WIDTH, chunks)
    for kind in ("flat", "ivf"):
        assert len({(tmp_path / f"{kind}{size}").read_bytes() for size in (1, 7, COUNT)}) == 1


def test_an_index_that_cannot_be_made_is_refused() -> None:
    check_index_factory("Flat", WIDTH)
    check_index_factory("IVF100,Flat", WIDTH)
    check_index_factory("IVF100,Flat", WIDTH, 100)
    check_index_factory("IVF100,Flat", WIDTH, 1_000_000)
    with pytest.raises(InvalidInput, match="99 pictures cannot train"):
        check_index_factory("IVF100,Flat", WIDTH, 99)
    with pytest.raises(InvalidInput, match="--index takes auto, binary, Flat"):
        check_index_factory("Hello", WIDTH)


def test_an_index_that_does_not_belong_to_the_map_is_refused(tmp_path: Path, features: np.ndarray) -> None:
    path = write_features_map(tmp_path / "town", features, index="IVF8,Flat")
    place_map = PlaceMap.open(path)
    index = place_map.index_path
    right = index.read_bytes()
    for name, other, width in (("fewer", features[:-1], WIDTH), ("narrower", features[:, :8], 8)):
        write_index_file(tmp_path / name, "IVF8,Flat", width, partial(iter, [other]))
        index.write_bytes((tmp_path / name).read_bytes())
        with pytest.raises(MapCorrupt, match="vectors of width"):
            read_index(place_map)
    for content in (b"", b"hello", right[: len(right) // 2]):
        index.write_bytes(content)
        with pytest.raises(MapCorrupt, match=r"index\.faiss cannot be read"):
            read_index(place_map)


@pytest.mark.parametrize("backend", ["faiss", "torch"])
@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("index.faiss", "IVF8,Flat"),
        ("globals.npy", "Flat"),
        ("codes/000001/codebook.faiss", "SQ8"),
        ("codes/000001/000003.npy", "PQ16x4fs"),
    ],
)
def test_one_flipped_bit_in_what_is_searched_is_refused(
    name: str, index: str, backend: Backend, tmp_path: Path, features: np.ndarray
) -> None:
    path = write_features_map(tmp_path / "town", features, segment_rows=70, index=index)
    damaged = sorted(path.rglob(name))[-1]
    content = bytearray(damaged.read_bytes())
    content[-5] ^= 1
    damaged.write_bytes(content)
    place_map = PlaceMap.open(path)  # sizes and shapes are right
    with pytest.raises(MapCorrupt, match=rf"{name} is damaged: .*placefix verify"):
        open_searcher(place_map, "cpu", backend)


def test_a_differing_row_is_named(tmp_path: Path, features: np.ndarray) -> None:
    path = write_features_map(tmp_path / "town", features, segment_rows=70)
    with_index_file(path, features)
    with PlaceMap.open(path) as place_map:
        assert find_difference(place_map) is None
    changed = features.copy()
    changed[123] = -changed[123]
    with_index_file(path, changed)
    message = "vector 123 is not the global feature of picture p123"
    with PlaceMap.open(path) as place_map:
        assert find_difference(place_map) == IndexDifference("versions/000001/index.faiss", message)


def test_a_code_of_another_feature_is_named(tmp_path: Path, features: np.ndarray) -> None:
    path = write_features_map(tmp_path / "town", features, segment_rows=70, index="PQ16x4fs")
    file = path / "codes/000001/000002.npy"
    content = bytearray(file.read_bytes())
    content[128 + 8 * 53] ^= 1  # behind the header, 8 bytes a code
    file.write_bytes(content)
    with PlaceMap.open(path) as place_map:
        difference = find_difference(place_map)
    assert difference == IndexDifference("codes/000001/000002.npy", "row 53 is not the code of its global feature")


def test_an_index_that_needs_no_training_has_no_file(tmp_path: Path, features: np.ndarray) -> None:
    for index in ("Flat", "SQfp16"):
        path = write_features_map(tmp_path / index, features, index=index)
        assert not list(path.rglob("*.faiss"))
        assert not (path / "codes").exists()
