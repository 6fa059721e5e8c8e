"""Priors: which pictures agree with one, and what is found among them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.encoder import Encoder
from model.errors import InvalidInput
from model.geo import LatLon, distance_m
from model.images import open_image
from model.picture_errors import NoExifPosition
from model.preprocess import preprocess
from place_map.evidence import Evidence
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from service.encoded_query import EncodedQuery, encode_queries
from service.errors import DeadlineExceeded
from service.localizer import Localizer
from service.prior import DEFAULT_PRIOR_M, AskedPrior, Prior, read_position
from service.query_options import QueryOptions
from tests.conftest import write_photo
from tests.service.conftest import Town

ALL = QueryOptions(12, 12, rerank="always")


@pytest.fixture(scope="module")
def localizer(town: Town, tiny_encoder: Encoder) -> Iterator[Localizer]:
    with PlaceMap.open(town.map_path) as place_map:
        yield Localizer(tiny_encoder, place_map, open_searcher(place_map, torch.device("cpu")))


def query_of(town: Town, place_id: str, localizer: Localizer) -> EncodedQuery:
    return encode_queries(localizer.encoder, preprocess(open_image(town.photos[place_id]))[None])[0]


def plainly_agrees(prior: Prior, position: LatLon, heading_deg: float | None) -> bool:
    if distance_m(prior.near, position) > prior.within_m:
        return False
    if prior.heading_deg is None:
        return True
    if heading_deg is None:
        return False
    turn_deg = abs(heading_deg - prior.heading_deg) % 360
    return min(turn_deg, 360 - turn_deg) <= prior.heading_tolerance_deg


@pytest.mark.parametrize(
    ("within_m", "heading_deg", "tolerance_deg"),
    [
        (1.0, None, 45),
        (400.0, None, 45),
        (1e5, None, 45),
        (1e5, 0.0, 45),
        (1e5, 355.0, 20),
        (1e5, 60.0, 0),
        (600, 30, 15),
    ],
)
def test_the_pictures_of_a_prior_are_those_that_a_plain_look_at_each_finds(
    within_m: float, heading_deg: float | None, tolerance_deg: float, town: Town, localizer: Localizer
) -> None:
    prior = Prior(town.positions["a street/3.jpg"], within_m, heading_deg, tolerance_deg)
    places = localizer.place_map.places
    expected = [row for row, place in enumerate(places) if plainly_agrees(prior, place.position, place.heading_deg)]
    assert prior.rows(places).tolist() == expected
    assert heading_deg is not None or expected


@pytest.mark.parametrize("shortlist", [1, 3, 12])
def test_the_candidates_are_the_nearest_of_the_circle_alone(shortlist: int, town: Town, localizer: Localizer) -> None:
    query = query_of(town, "a street/0.jpg", localizer)
    prior = Prior(town.positions["a street/5.jpg"], 400)
    everything = localizer.localize(query, replace(ALL, rerank="never")).candidates
    agreeing = [each for each in everything if distance_m(prior.near, each.position) <= prior.within_m]
    options = QueryOptions(shortlist, shortlist, "never", prior=prior)
    assert localizer.localize(query, options).candidates == tuple(agreeing[:shortlist])
    assert 3 < len(agreeing) < 12


def test_a_circle_that_is_looked_at_in_pieces_gives_the_same(
    town: Town, localizer: Localizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = query_of(town, "a street/0.jpg", localizer)
    options = QueryOptions(3, 4, "always", prior=Prior(town.positions["a street/5.jpg"], 1000))
    at_once = localizer.localize(query, options).candidates
    monkeypatch.setattr("service.shortlist._EXACT_ROWS", 2)
    assert localizer.localize(query, options).candidates == at_once
    with pytest.raises(DeadlineExceeded):
        localizer.localize(query, options, is_wanted=lambda: False)


def test_pictures_outside_are_rivals_where_the_circle_has_too_few(town: Town, localizer: Localizer) -> None:
    query = query_of(town, "a street/0.jpg", localizer)
    prior = Prior(town.positions["a street/5.jpg"], 1)
    alone = localizer.localize(query, replace(ALL, prior=prior))
    assert [each.id for each in alone.candidates] == ["a street/5.jpg"]
    assert alone.ranking is not None
    assert (alone.ranking.answers, len(alone.ranking.rows)) == (1, 12)
    evidence = alone.verdict.evidence
    assert evidence is not None
    assert (evidence.compared, evidence.score) == (12, alone.candidates[0].mutual_matches)
    most = localizer.localize(query, ALL).candidates[0].mutual_matches
    assert most is not None
    assert evidence.rival_score == most > evidence.score
    assert evidence == Evidence.of(alone.ranking, localizer.place_map.places, localizer.within_m)


def test_a_circle_as_full_as_the_shortlist_needs_no_rivals(town: Town, localizer: Localizer) -> None:
    query = query_of(town, "a street/0.jpg", localizer)
    found = localizer.localize(query, QueryOptions(2, 2, "always", prior=Prior(town.positions["a street/5.jpg"], 400)))
    assert found.ranking is not None
    assert (found.ranking.answers, len(found.ranking.rows)) == (2, 2)


def test_a_circle_without_pictures_has_no_candidates(town: Town, localizer: Localizer) -> None:
    query = query_of(town, "a street/0.jpg", localizer)
    found = localizer.localize(query, replace(ALL, prior=Prior(LatLon(0, 0))))
    assert (found.status, found.position, found.candidates, found.ranking) == ("no_candidates", None, (), None)


def test_rows_that_may_not_be_the_answer_are_none_in_the_circle_and_no_rivals(town: Town, localizer: Localizer) -> None:
    query = query_of(town, "a street/5.jpg", localizer)
    prior = Prior(town.positions["a street/5.jpg"], 200)
    without = np.array([localizer.place_map.places.row_of("a street/5.jpg"), 0])
    found = localizer.localize(query, replace(ALL, prior=prior), without=without)
    assert sorted(each.id for each in found.candidates) == ["a street/4.jpg", "a street/6.jpg"]
    assert found.ranking is not None
    assert not set(without.tolist()) & set(found.ranking.rows.tolist())
    assert len(found.ranking.rows) == 10


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ({"within_m": 0}, "within_m must be more than 0"),
        ({"within_m": float("nan")}, "within_m must be more than 0"),
        ({"within_m": 1e6}, "at most 100000"),
        ({"heading_deg": -1}, "heading must be between 0 and 360"),
        ({"heading_tolerance_deg": 181}, "heading_tolerance must be between 0 and 180"),
    ],
)
def test_a_number_out_of_its_range_is_refused(numbers: dict[str, float], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        Prior(LatLon(0, 0), **numbers)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "91,0", "0,181", "nan,0", "inf,0", "1;2"])
def test_what_is_no_position_is_told_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"give latitude and longitude in degrees, such as 55\.7058,13\.1932"):
        read_position(text)


@pytest.mark.parametrize("text", ["55.7,-13.25", " +55.7 , -13.25 ", "55.70,-13.250"])
def test_a_position_is_read(text: str) -> None:
    assert read_position(text) == LatLon(55.7, -13.25)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"within_m": 5}, "within_m has no effect without near or use_exif_position"),
        ({"heading": 5}, "heading has no effect without near"),
        ({"heading_tolerance": 5}, "heading_tolerance has no effect without near"),
        ({"near": "1,2", "heading_tolerance": 5}, "heading_tolerance has no effect without heading"),
        ({"near": "1,2", "use_exif_position": True}, "both say where the circle is"),
        ({"near": "1,2", "within_m": -5}, "within_m must be more than 0"),
        ({"near": "1"}, "give latitude and longitude"),
    ],
)
def test_what_says_nothing_or_contradicts_is_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        AskedPrior(**given)  # type: ignore[arg-type]


def test_the_prior_of_a_photo_is_around_what_was_given_or_its_own_position(tmp_path: Path) -> None:
    here = LatLon(55.5, -13.25)
    photo, plain = write_photo(tmp_path / "a.jpg", 1, here), write_photo(tmp_path / "b.jpg", 1)
    assert AskedPrior().for_photo(plain) is None
    assert AskedPrior("1,2", heading=40).for_photo(plain) == Prior(LatLon(1, 2), DEFAULT_PRIOR_M, 40)
    own = AskedPrior(use_exif_position=True, within_m=9).for_photo(photo.read_bytes())
    assert own is not None
    assert (distance_m(own.near, here) < 0.1, own.within_m) == (True, 9)
    with pytest.raises(NoExifPosition, match="does not say where it was taken: its EXIF block has no GPS position"):
        AskedPrior(use_exif_position=True).for_photo(plain)
