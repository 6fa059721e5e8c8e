"""Opening maps with their network: found by the map's own hint, or named; and what is said when it does not fit."""

import shutil
from pathlib import Path

import pytest
import torch

from index_builder.build import build_map
from index_builder.sources.read import read_source
from model.encoder import Encoder
from model.errors import InvalidInput
from model.geo import LatLon
from model.images import DEFAULT_LIMITS
from model.network_precision import NetworkPrecision, RequestedPrecision, has_native_bfloat16
from model.selavpr.initialisation import seeded_network
from model.selavpr.selavpr import SelaVPR
from model.weights import save_network
from model.weights_errors import WeightsError
from place_map.errors import MapNotFound, NetworkMismatch
from service.decoding import decode_query
from service.encoded_query import encode_queries
from service.loading import load_maps
from service.query_options import QueryOptions
from tests.conftest import TINY_CONFIG
from tests.service.conftest import Town, build_town


@pytest.fixture
def movable_town(tmp_path: Path, tiny_network: SelaVPR) -> Town:
    """Make a town, whose weights a test may move or change."""
    return build_town(tmp_path, "movable", tiny_network, {"a.jpg": LatLon(1, 2), "b.jpg": LatLon(1, 3)}, first_seed=300)


def test_the_network_is_found_where_the_map_was_built(town: Town, village: Town) -> None:
    loaded = load_maps([town.map_path, village.map_path], device="cpu")
    assert list(loaded.localizers) == ["town", "village"]
    assert all(localizer.encoder is loaded.encoder for localizer in loaded.localizers.values())
    assert loaded.encoder.device == torch.device("cpu")
    assert loaded.encoder.config == TINY_CONFIG
    loaded.close()


def test_a_moved_network_has_to_be_named(movable_town: Town, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere.safetensors"
    shutil.move(movable_town.weights, moved)
    with pytest.raises(WeightsError, match="which is not there; name the file with --weights"):
        load_maps([movable_town.map_path])
    load_maps([movable_town.map_path], weights=str(moved)).close()


def test_a_network_that_was_changed_since_is_refused(movable_town: Town) -> None:
    save_network(seeded_network(TINY_CONFIG, seed=99), movable_town.weights)
    with pytest.raises(NetworkMismatch, match="is not the network with which the map movable was built"):
        load_maps([movable_town.map_path])
    with pytest.raises(NetworkMismatch, match="give the weights it was made with"):
        load_maps([movable_town.map_path], weights=str(movable_town.weights))


def test_a_map_that_does_not_know_its_network_needs_one_named(tmp_path: Path, movable_town: Town) -> None:
    unknown = tmp_path / "maps" / "unknown"
    build_map(read_source(tmp_path / "movable"), Encoder(seeded_network(TINY_CONFIG, seed=7)), unknown)
    with pytest.raises(WeightsError, match="does not say which checkpoint"):
        load_maps([unknown])
    load_maps([unknown], weights=str(movable_town.weights)).close()


NATIVE = has_native_bfloat16(torch.device("cpu"))


@pytest.fixture
def rounded_map(tmp_path: Path, movable_town: Town) -> Path:
    """Encode the pictures of the movable town in bfloat16."""
    return _rounded_map(tmp_path, movable_town, "bfloat16")


def _rounded_map(tmp_path: Path, movable_town: Town, precision: NetworkPrecision) -> Path:
    path = tmp_path / "maps" / "rounded"
    encoder = Encoder(seeded_network(TINY_CONFIG, seed=7), precision=precision)
    build_map(read_source(tmp_path / "movable"), encoder, path, weights_path=movable_town.weights)
    return path


def test_queries_are_encoded_as_the_map_was(movable_town: Town, rounded_map: Path) -> None:
    exact = load_maps([movable_town.map_path])
    assert exact.encoder.precision == exact.network_precision.precision == "float32"
    rounded = load_maps([rounded_map])
    [localizer] = rounded.localizers.values()
    assert localizer.place_map.manifest.network.precision == "bfloat16"
    assert rounded.encoder.precision == ("bfloat16" if NATIVE else "float32")
    both = load_maps([movable_town.map_path, rounded_map])
    assert both.encoder.precision == "float32"
    for loaded in (exact, rounded, both):
        loaded.close()


@pytest.mark.parametrize("encoding", ["auto", "int8", "float32"])
def test_a_map_of_int8_is_asked_in_int8_unless_another_is_named(
    tmp_path: Path, movable_town: Town, encoding: RequestedPrecision
) -> None:
    rounded = _rounded_map(tmp_path, movable_town, "int8")
    loaded = load_maps([rounded], device="cpu", network_precision=encoding)
    assert loaded.encoder.precision == ("float32" if encoding == "float32" else "int8")
    [localizer] = loaded.localizers.values()
    assert localizer.place_map.manifest.network.precision == "int8"
    for place_id, photo in movable_town.photos.items():
        [query] = encode_queries(loaded.encoder, decode_query(photo, DEFAULT_LIMITS, loaded.encoder.preparation)[None])
        best = localizer.localize(query, QueryOptions(candidates=1, shortlist=2, rerank="always")).candidates[0]
        assert best.id == place_id
    loaded.close()
    both = load_maps([movable_town.map_path, rounded])
    assert both.encoder.precision == "float32"
    both.close()


@pytest.mark.parametrize("encoding", ["float32", "bfloat16"])
def test_a_picture_finds_itself_in_a_map_of_the_other_precision(
    movable_town: Town, rounded_map: Path, encoding: RequestedPrecision
) -> None:
    if encoding == "bfloat16" and not NATIVE:
        pytest.skip("this processor would have to emulate bfloat16")
    other = movable_town.map_path if encoding == "bfloat16" else rounded_map
    loaded = load_maps([other], device="cpu", network_precision=encoding)
    assert loaded.encoder.precision == encoding
    [localizer] = loaded.localizers.values()
    for place_id, photo in movable_town.photos.items():
        [query] = encode_queries(loaded.encoder, decode_query(photo, DEFAULT_LIMITS, loaded.encoder.preparation)[None])
        best = localizer.localize(query, QueryOptions(candidates=1, shortlist=2, rerank="always")).candidates[0]
        assert best.id == place_id
    loaded.close()


def test_no_map_no_such_map_and_two_of_one_name(town: Town, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no map was given"):
        load_maps([])
    with pytest.raises(MapNotFound):
        load_maps([tmp_path / "nowhere"])
    shutil.copytree(town.map_path, tmp_path / "other" / "town")
    with pytest.raises(InvalidInput, match="two maps are named town"):
        load_maps([town.map_path, tmp_path / "other" / "town"])
