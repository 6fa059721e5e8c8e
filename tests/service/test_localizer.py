"""The localizer is the plain two-stage retrieval of the method, on a map."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index_builder.build import build_map
from model import cpu_matching
from model.codes import as_features
from model.encoder import Encoder
from model.errors import InvalidInput
from model.features import Features
from model.images import open_image
from model.matching import count_mutual_matches
from model.preprocess import preprocess
from model.rerankers.reranker import LocalFeatures
from model.retrieval import retrieve
from model.selavpr.initialisation import seeded_network
from place_map.errors import NetworkMismatch
from place_map.global_index import open_searcher
from place_map.local_codec import StoreType
from place_map.reader import PlaceMap
from service.encoded_query import EncodedQuery, encode_queries
from service.errors import DeadlineExceeded
from service.localizer import Localizer
from service.matches import MatchedCells
from service.query_options import MAX_SHORTLIST, QueryDefaults, QueryOptions
from service.stages import Stage
from service.words import Rerank
from tests.conftest import TINY_CONFIG
from tests.index_builder.map_factory import SMALL, photo_listing
from tests.service.conftest import Town


@pytest.fixture(scope="module")
def localizer(town: Town, tiny_encoder: Encoder) -> Iterator[Localizer]:
    with PlaceMap.open(town.map_path) as place_map:
        yield Localizer(tiny_encoder, place_map, open_searcher(place_map, torch.device("cpu")))


@pytest.fixture(scope="module")
def database(localizer: Localizer) -> Features:
    rows = np.arange(len(localizer.place_map))
    return Features(
        torch.from_numpy(localizer.place_map.global_features(rows)),
        as_features(localizer.place_map.local_features(rows)),
        localizer.encoder.local_grid,
    )


def query_of(seed: int, encoder: Encoder) -> EncodedQuery:
    """Smooth noise: a picture of nothing that is in the map."""
    coarse = torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(seed))
    image = torch.nn.functional.interpolate(coarse, (224, 224), mode="bilinear") * 4 - 2
    return encode_queries(encoder, image)[0]


@pytest.mark.parametrize(
    ("backend", "shortlist", "rerank"),
    [("faiss", 1, True), ("faiss", 5, True), ("torch", 1000, True), ("faiss", 7, False), ("torch", 1000, False)],
)
def test_ranks_counts_and_distances_are_those_of_plain_retrieval(
    backend: Literal["faiss", "torch"], shortlist: int, rerank: bool, localizer: Localizer, database: Features
) -> None:
    searcher = open_searcher(localizer.place_map, torch.device("cpu"), backend)
    own = Localizer(localizer.encoder, localizer.place_map, searcher, "exact")
    query = query_of(shortlist, localizer.encoder)
    expected = retrieve(query.features, database, shortlist, rerank=rerank)
    options = QueryOptions(shortlist, shortlist, "always" if rerank else "never")
    found = own.localize(query, options).candidates
    assert [candidate.row for candidate in found] == expected.rows.tolist()
    np.testing.assert_allclose([candidate.global_distance for candidate in found], expected.global_distances, atol=1e-6)
    counts = [candidate.mutual_matches for candidate in found]
    assert counts == ([None] * len(found) if expected.mutual_matches is None else expected.mutual_matches.tolist())


@pytest.mark.parametrize("floor", [0.9, 0.99])
def test_matches_are_counted_from_the_floor_of_the_map(localizer: Localizer, database: Features, floor: float) -> None:
    place_map = localizer.place_map
    assert place_map.manifest.features.match_floor is None  # SelaVPR has none
    features = place_map.manifest.features.model_copy(update={"match_floor": floor})
    query = query_of(5, localizer.encoder)
    with PlaceMap.open(place_map.path) as other:
        other.manifest = place_map.manifest.model_copy(update={"features": features})
        asked = Localizer(localizer.encoder, other, localizer.searcher, "exact")
        found = asked.localize(query, QueryOptions(MAX_SHORTLIST, MAX_SHORTLIST, rerank="always")).candidates
    expected = count_mutual_matches(query.features.local_features[0], database.local_features, floor=floor)
    assert {each.row: each.mutual_matches for each in found} == dict(enumerate(expected.tolist()))


def test_a_picture_of_the_map_is_a_query_that_finds_itself(localizer: Localizer, database: Features) -> None:
    for row in range(len(localizer.place_map)):
        query = localizer.stored_query(row)
        assert query.features.local_grid == database.local_grid
        assert torch.equal(query.features.local_features[0], database.local_features[row])
        found = localizer.localize(query, QueryOptions(1, 3, "always"))
        assert found.candidates[0].row == row
        others = localizer.localize(query, QueryOptions(3, 3, "always"), without=np.array([row]))
        assert row not in [candidate.row for candidate in others.candidates]


def test_fewer_candidates_are_the_head_of_more(localizer: Localizer) -> None:
    query = query_of(5, localizer.encoder)
    for rerank in get_args(Rerank):
        all_of_them = localizer.localize(query, QueryOptions(8, 8, rerank)).candidates
        assert localizer.localize(query, QueryOptions(3, 8, rerank)).candidates == all_of_them[:3]


def test_a_long_shortlist_is_gathered_in_pieces_to_the_same_end(
    localizer: Localizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = query_of(6, localizer.encoder)
    options = QueryOptions(8, 8, rerank="always")
    at_once = localizer.localize(query, options).candidates
    monkeypatch.setattr("service.comparer._GATHER_ROWS", 3)
    in_pieces = Localizer(localizer.encoder, localizer.place_map, localizer.searcher)
    assert in_pieces.localize(query, options).candidates == at_once


def test_only_stages_that_ran_have_seconds(localizer: Localizer) -> None:
    query = query_of(0, localizer.encoder)
    reranked = localizer.localize(query, QueryOptions(3, 6, rerank="always"))
    assert set(reranked.seconds) == {Stage.ENCODE, Stage.SHORTLIST, Stage.GATHER, Stage.RERANK}
    plain = localizer.localize(query, QueryOptions(3, 6, rerank="never"))
    assert set(plain.seconds) == {Stage.ENCODE, Stage.SHORTLIST}
    assert plain.seconds[Stage.ENCODE] == query.duration_s


def test_a_query_that_nobody_waits_for_is_given_up(localizer: Localizer) -> None:
    query = query_of(0, localizer.encoder)
    with pytest.raises(DeadlineExceeded):
        localizer.localize(query, QueryOptions(3, 6, rerank="always"), is_wanted=lambda: False)


def test_pictures_encoded_together_are_found_as_they_are_alone(town: Town, localizer: Localizer) -> None:
    images = torch.stack([preprocess(open_image(photo)) for photo in town.photos.values()])
    for place_id, query in zip(town.photos, encode_queries(localizer.encoder, images), strict=True):
        [best, *_] = localizer.localize(query, QueryOptions(2, 2, rerank="always")).candidates
        assert best.id == place_id
        assert best.position.latitude == pytest.approx(town.positions[place_id].latitude, abs=1e-6)


def test_another_network_is_refused(town: Town) -> None:
    other = Encoder(seeded_network(TINY_CONFIG, seed=8))
    with PlaceMap.open(town.map_path) as place_map, pytest.raises(NetworkMismatch):
        Localizer(other, place_map, open_searcher(place_map, torch.device("cpu")))


def test_fewer_bits_change_counts_by_little(localizer: Localizer) -> None:
    options = QueryOptions(12, 12, rerank="always")
    query = query_of(2, localizer.encoder)
    exact = Localizer(localizer.encoder, localizer.place_map, localizer.searcher, "exact")
    counts, exact_counts = (
        {candidate.row: candidate.mutual_matches for candidate in each.localize(query, options).candidates}
        for each in (localizer, exact)
    )
    assert len(counts) == 12
    assert all(abs((counts[row] or 0) - (count or 0)) <= 4 for row, count in exact_counts.items())
    assert exact.matcher == "torch-float32" != localizer.matcher


class Recording(Localizer):
    """Keep the local features that are compared and matched."""

    def compare(self, query: LocalFeatures, *arguments: Any) -> NDArray[np.float64]:
        self.compared = query.features
        return super().compare(query, *arguments)

    def match(self, query: LocalFeatures, *arguments: Any) -> list[MatchedCells] | None:
        self.matched = query.features
        return super().match(query, *arguments)


@pytest.mark.parametrize("rerank", ["always", "never"])
@pytest.mark.parametrize("store", ["int8", "block32"])
def test_a_query_is_compared_by_the_part_that_the_store_can_represent(
    store: StoreType, rerank: Rerank, tmp_path: Path, tiny_encoder: Encoder
) -> None:
    build_map(photo_listing(tmp_path / "photos", 9), tiny_encoder, tmp_path / "map", replace(SMALL, store=store))
    query = query_of(2, tiny_encoder)
    features = query.local_features.features
    with PlaceMap.open(tmp_path / "map") as place_map:
        localizer = Recording(tiny_encoder, place_map, open_searcher(place_map, torch.device("cpu")))
        localizer.localize(query, QueryOptions(9, 9, rerank, evidence="matches"))
        projected = place_map.manifest.features.local_codec.project(features)
    assert torch.equal(projected, features) == (store == "int8")
    assert torch.equal(localizer.matched, projected)
    assert rerank == "never" or torch.equal(localizer.compared, projected)


def test_defaults_follow_device_and_training(tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = QueryDefaults(candidates=10, shortlist=20, rerank="auto")
    assert QueryDefaults.for_encoder(tiny_encoder, matching_precision="exact") == slow
    monkeypatch.setattr(cpu_matching, "kernel_name", lambda: "avx2-int16")
    monkeypatch.setattr(cpu_matching, "can_count", lambda _: True)
    assert QueryDefaults.for_encoder(tiny_encoder) == replace(slow, shortlist=100)
    monkeypatch.setattr(cpu_matching, "can_count", lambda _: False)
    assert QueryDefaults.for_encoder(tiny_encoder) == slow
    chosen = QueryDefaults.for_encoder(tiny_encoder, rerank="always", shortlist=7)
    assert chosen == QueryDefaults(candidates=10, shortlist=7, rerank="always")


def test_an_untrained_network_re_ranks_only_if_it_is_asked_to(localizer: Localizer) -> None:
    assert not localizer.encoder.is_trained
    query = query_of(0, localizer.encoder)
    by_itself, asked = (localizer.localize(query, QueryOptions(3, 3, rerank)) for rerank in ("auto", "always"))
    assert [each.mutual_matches for each in by_itself.candidates] == [None, None, None]
    assert None not in [each.mutual_matches for each in asked.candidates]


@pytest.mark.gpu
def test_a_gpu_finds_every_picture_at_its_own_place(town: Town, localizer: Localizer) -> None:
    device = torch.device("cuda", 0)
    encoder = Encoder(seeded_network(TINY_CONFIG, seed=7), device)
    with PlaceMap.open(town.map_path) as place_map:
        on_gpu = Localizer(encoder, place_map, open_searcher(place_map, device))
        for place_id, photo in town.photos.items():
            image = preprocess(open_image(photo))[None]
            options = QueryOptions(12, 12, rerank="always")
            found = on_gpu.localize(encode_queries(encoder, image)[0], options).candidates
            expected = localizer.localize(encode_queries(localizer.encoder, image)[0], options).candidates
            assert found[0].id == expected[0].id == place_id
            assert found[0].mutual_matches == pytest.approx(expected[0].mutual_matches, rel=0.005)
            assert found[0].global_distance == pytest.approx(expected[0].global_distance, abs=1e-4)


NUMBER = st.none() | st.integers(-5, MAX_SHORTLIST + 5)


@given(
    candidates=NUMBER,
    shortlist=NUMBER,
    default_candidates=st.integers(1, MAX_SHORTLIST),
    default_shortlist=st.integers(1, MAX_SHORTLIST),
)
@settings(max_examples=100)
def test_one_number_never_contradicts_the_default_of_the_other(
    candidates: int | None, shortlist: int | None, default_candidates: int, default_shortlist: int
) -> None:
    defaults = QueryDefaults(default_candidates, default_shortlist, rerank="always")
    is_possible = (candidates is None or 1 <= candidates <= MAX_SHORTLIST) and (
        shortlist is None or 1 <= shortlist <= MAX_SHORTLIST
    )
    if candidates is not None and shortlist is not None:
        is_possible = is_possible and candidates <= shortlist
    if not is_possible:
        with pytest.raises(InvalidInput):
            defaults.options(candidates, shortlist)
        return
    options = defaults.options(candidates, shortlist)
    assert 1 <= options.candidates <= options.shortlist <= MAX_SHORTLIST
    assert candidates in (None, options.candidates)
    assert shortlist in (None, options.shortlist)
