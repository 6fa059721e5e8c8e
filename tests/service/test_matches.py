"""The cells that are told of candidates are the mutual nearest neighbours, the most similar ones first."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.read import read_source
from model.codes import as_features
from model.encoder import Encoder
from model.errors import InvalidInput
from model.geo import LatLon, distance_m
from model.matching import count_mutual_matches, find_mutual_matches
from model.starter.package_weights import load_starter
from place_map.evidence import Evidence, Ranking
from place_map.global_index import open_searcher
from place_map.local_codec import STORES, StoreType
from place_map.reader import PlaceMap
from service.asked import Asked, Together
from service.localization import Localization
from service.localizer import Localizer
from service.matches import most_similar, rival_rank
from service.prior import Prior
from service.query_options import QueryOptions
from service.words import MATCHED_FIRST, MOST_PAIRS, Rerank
from tests.conftest import write_photo
from tests.service.conftest import Town

ASKED = QueryOptions(5, 8, "always", evidence="matches")


def plain_pairs(query: Tensor, candidate: Tensor, floor: float) -> list[tuple[float, int, int]]:
    """Return all pairs of cells by their definition: cosine, cell of the query, cell of the candidate."""
    cosines = normalize(query.double(), dim=1) @ normalize(candidate.double(), dim=1).T
    return [
        (float(cosines[cell, nearest]), cell, nearest)
        for cell, nearest in enumerate(cosines.argmax(dim=1).tolist())
        if int(cosines[:, nearest].argmax()) == cell and float(cosines[cell, nearest]) >= floor
    ]


@pytest.mark.parametrize("kind", ["features", "codes", "signs"])
@pytest.mark.parametrize("floor", [None, 0.2])
def test_pairs_are_those_of_the_definition_the_most_similar_first(kind: str, floor: float | None) -> None:
    random = torch.Generator().manual_seed(3)
    query = normalize(torch.randn(150, 24, generator=random), dim=1)
    candidate = torch.randn(120, 24, generator=random)
    stored = {
        "features": normalize(candidate, dim=1),
        "codes": (candidate * 20).round().to(torch.int8),
        "signs": candidate.sign().to(torch.int8),
    }[kind]
    expected = sorted(plain_pairs(query, stored, -1 if floor is None else floor), key=lambda pair: (-pair[0], pair[1]))
    for most in (7, 1000):
        found = most_similar(query, stored, find_mutual_matches(query, stored, floor=floor), most)
        assert found.count == len(expected) > 7
        pairs = list(zip(found.query_cells.tolist(), found.candidate_cells.tolist(), strict=True))
        assert pairs == [pair[1:] for pair in expected[:most]]
        assert found.similarities.tolist() == pytest.approx([pair[0] for pair in expected[:most]])


@pytest.fixture(scope="module")
def localizer(town: Town, tiny_encoder: Encoder) -> Iterator[Localizer]:
    with PlaceMap.open(town.map_path) as place_map:
        yield Localizer(tiny_encoder, place_map, open_searcher(place_map, torch.device("cpu")))


def check_counts(found: Localization) -> None:
    """Assert that the matches of each candidate agree with the rest of the answer."""
    assert found.matches is not None
    assert found.ranking is not None
    for each in found.matches.candidates:
        assert len(each.cells.similarities) == min(each.cells.count, MOST_PAIRS)
        assert each.candidate.mutual_matches in (None, each.cells.count)
    first = found.matches.candidates[: len(found.candidates[:MATCHED_FIRST])]
    assert tuple(each.candidate for each in first) == found.candidates[:MATCHED_FIRST]


def test_the_first_candidates_and_the_best_of_another_place_are_told(localizer: Localizer) -> None:
    near = Localizer(localizer.encoder, localizer.place_map, localizer.searcher)
    near.within_m = 500.0  # so that the first candidates are mostly of one place
    for row in range(len(localizer.place_map)):
        found = near.localize(near.stored_query(row), ASKED)
        check_counts(found)
        assert found.matches is not None
        assert found.verdict.evidence is not None
        best, told = found.candidates[0], found.matches.candidates
        for each in told:
            assert each.is_elsewhere == (distance_m(best.position, each.candidate.position) > 500)
        rivals = [each.cells.count for each in told if each.is_elsewhere]
        assert max(rivals, default=0) == found.verdict.evidence.rival_score
        assert [each.rank for each in told] == sorted({each.rank for each in told})


@pytest.mark.parametrize("rerank", get_args(Rerank))
def test_matches_are_told_also_of_candidates_that_were_not_compared(rerank: Rerank, localizer: Localizer) -> None:
    found = localizer.localize(localizer.stored_query(2), replace(ASKED, rerank=rerank))
    check_counts(found)
    assert found.matches is not None
    assert found.matches.candidates[0].cells.count > 100  # the picture itself
    assert found.matches.grid == localizer.encoder.cells


def test_a_rival_outside_of_the_circle_of_a_prior_is_told(localizer: Localizer) -> None:
    here = localizer.place_map.places[3].position
    found = localizer.localize(localizer.stored_query(7), replace(ASKED, prior=Prior(here, within_m=1.0)))
    assert found.matches is not None
    assert found.verdict.evidence is not None
    own, rival = found.matches.candidates
    assert own.candidate.position == here
    assert rival.cells.count == found.verdict.evidence.rival_score > own.cells.count
    assert rival.candidate.row == 7


def test_without_a_candidate_and_unless_asked_there_are_none(localizer: Localizer) -> None:
    query = localizer.stored_query(0)
    nowhere = replace(ASKED, prior=Prior(LatLon(0, 0), within_m=1.0))
    assert localizer.localize(query, nowhere).matches is None
    assert localizer.localize(query, replace(ASKED, evidence=None)).matches is None


def test_one_candidate_and_its_rival_are_told_if_one_is_asked_for(localizer: Localizer) -> None:
    found = localizer.localize(localizer.stored_query(0), replace(ASKED, candidates=1))
    assert found.matches is not None
    assert [each.is_elsewhere for each in found.matches.candidates] == [False, True]


def test_the_rank_of_the_rival_is_that_of_the_evidence(localizer: Localizer) -> None:
    places, random = localizer.place_map.places, np.random.default_rng(1)
    for compared in (0, 1, 4, 12):
        rows, matches = random.permutation(12), random.integers(0, 50, compared).astype(np.float64)
        ranking = Ranking.of(rows, np.sort(random.random(12).astype(np.float32)), matches)
        for within_m in (0.5, 300.0, 1e6):
            rank, evidence = rival_rank(ranking, places, within_m), Evidence.of(ranking, places, within_m)
            if rank is None:
                assert within_m == 1e6
            elif rank < compared:
                assert ranking.scores[rank] == evidence.rival_score
            else:
                assert evidence.rival_score == 0


@pytest.mark.parametrize("store", STORES)
def test_every_store_is_matched_by_the_features_that_it_gives(
    store: StoreType, town: Town, tiny_encoder: Encoder, tmp_path: Path
) -> None:
    path = tmp_path / "town"
    source = read_source(next(iter(town.photos.values())).parent)
    build_map(source, tiny_encoder, path, BuildOptions(store=store), weights_path=town.weights)
    with PlaceMap.open(path) as place_map:
        own = Localizer(tiny_encoder, place_map, open_searcher(place_map, torch.device("cpu")), "exact")
        query = own.stored_query(1)
        found = own.localize(query, ASKED)
        check_counts(found)
        assert found.matches is not None
        projected = place_map.manifest.features.local_codec.project(query.features.local_features[0])
        for each in found.matches.candidates:
            [stored] = as_features(place_map.local_features(np.array([each.candidate.row])))
            plain = find_mutual_matches(projected, stored)
            pairs = dict(zip(plain.query_cells.tolist(), plain.candidate_cells.tolist(), strict=True))
            assert each.cells.count == len(pairs)
            for cell, other in zip(each.cells.query_cells.tolist(), each.cells.candidate_cells.tolist(), strict=True):
                assert pairs[cell] == other


def test_the_starter_tells_pairs_above_its_floor(tmp_path: Path) -> None:
    for number in range(3):
        write_photo(tmp_path / f"photos/{number}.jpg", number, LatLon(55.7, 13.2 + 0.01 * number))
    encoder = Encoder(load_starter())
    build_map(read_source(tmp_path / "photos"), encoder, tmp_path / "map", BuildOptions(), weights_path=None)
    with PlaceMap.open(tmp_path / "map") as place_map:
        own = Localizer(encoder, place_map, open_searcher(place_map, torch.device("cpu")))
        query = own.stored_query(0)
        found = own.localize(query, ASKED)
        assert found.matches is not None
        assert found.matches.grid.cells == (16, 16)
        [best, *others] = found.matches.candidates
        assert best.cells.query_cells.tolist() == best.cells.candidate_cells.tolist()
        for each in found.matches.candidates:
            assert (each.cells.similarities >= 0.55).all()
            features = as_features(place_map.local_features(np.array([each.candidate.row])))
            count = count_mutual_matches(query.features.local_features[0], features, precision="fast", floor=0.55)
            assert abs(each.cells.count - int(count)) <= 1  # the kernel compares rounded cosines with the floor
        assert [each.is_elsewhere for each in others] == [True, True]


def test_evidence_is_of_one_photo() -> None:
    with pytest.raises(InvalidInput, match="evidence=matches is for one photo"):
        Asked(ASKED, together=Together("place"))


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(InvalidInput, match="evidence must be one of matches, heat"):
        replace(ASKED, evidence="everything")  # type: ignore[arg-type]
