"""How far the localizer compares candidates, the comparisons that it saves, and its judgement of the evidence."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from model.encoder import Encoder
from model.geo import LatLon
from model.selavpr.initialisation import seeded_network
from place_map.calibration import Calibration
from place_map.evidence import Evidence
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from service.encoded_query import EncodedQuery, encode_queries
from service.localization import Localization
from service.localizer import Localizer
from service.query_options import QueryOptions
from service.stages import Stage
from service.words import Rerank
from tests import calibrations
from tests.conftest import TINY_CONFIG
from tests.service.conftest import Serve, Town, build_town
from tests.service.pictures import JPEG

ALL = 12
OPTIONS = QueryOptions(ALL, ALL, "auto")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """Return the town's network as a trained one: ``auto`` compares with it."""
    network = seeded_network(TINY_CONFIG, seed=7)
    network.is_trained = True
    return Encoder(network)


@pytest.fixture
def localizer(town: Town, encoder: Encoder) -> Iterator[Localizer]:
    with PlaceMap.open(town.map_path) as place_map:
        yield Localizer(encoder, place_map, open_searcher(place_map, torch.device("cpu")))


@pytest.fixture(scope="module")
def query(encoder: Encoder) -> EncodedQuery:
    coarse = torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(3))
    image = torch.nn.functional.interpolate(coarse, (224, 224), mode="bilinear") * 4 - 2
    return encode_queries(encoder, image)[0]


def calibrated(localizer: Localizer, made: Calibration) -> Localizer:
    localizer.place_map.calibration = made
    localizer.within_m = made.within_m
    return localizer


def compared(found: Localization) -> int:
    assert found.verdict.evidence is not None
    return found.verdict.evidence.compared


def seen(found: Localization) -> list[tuple[int, int | None, float]]:
    return [(each.row, each.mutual_matches, each.global_distance) for each in found.candidates]


def test_auto_stops_once_it_is_sure(localizer: Localizer, query: EncodedQuery) -> None:
    calibrated(localizer, calibrations.calibration(steps=((3, 0.5), (5, 0.95), (9, 0.99))))
    found = localizer.localize(query, OPTIONS)
    assert (compared(found), found.status) == (5, "localized")
    assert found.verdict.confidence == pytest.approx(0.95)
    counts = [each.mutual_matches for each in found.candidates]
    assert None not in counts[:5]
    assert counts[5:] == [None] * (ALL - 5)
    shapes = localizer.place_map.manifest.features
    assert found.gathered_bytes == 5 * shapes.local_codec.bytes_per_picture(shapes.local_count)


def test_auto_decides_by_the_global_features_where_they_are_enough(localizer: Localizer, query: EncodedQuery) -> None:
    calibrated(localizer, calibrations.calibration(steps=((0, 0.95), (5, 0.99))))
    found = localizer.localize(query, OPTIONS)
    assert (compared(found), found.status, found.gathered_bytes) == (0, "localized", 0)
    assert Stage.RERANK not in found.seconds


def test_a_server_goes_on_where_auto_compared_none_or_some(tmp_path: Path, serve: Serve) -> None:
    network = seeded_network(TINY_CONFIG, seed=7)
    network.is_trained = True
    positions = {f"{number}.jpg": LatLon(55 + number / 1000, 13) for number in range(4)}
    towns = [build_town(tmp_path, name, network, positions, first_seed=10) for name in ("none", "some")]
    calibrations.give(towns[0].map_path, calibrations.calibration(steps=((0, 0.95), (1, 0.95))))
    calibrations.give(towns[1].map_path, calibrations.calibration(steps=((0, 0.5), (3, 0.95))))
    served = serve(*towns)
    for name, compared in (("none", 0), ("some", 3), ("none", 0)):
        answer = served.client.post("/localize", content=JPEG, params={"map": name}).json()
        assert (answer["status"], answer["evidence"]["compared"]) == ("localized", compared), answer
        assert [each["mutual_matches"] is None for each in answer["candidates"]].count(False) == compared


def test_auto_that_is_never_sure_gives_the_ranking_of_always(localizer: Localizer, query: EncodedQuery) -> None:
    calibrated(localizer, calibrations.calibration(steps=((2, 0.4), (5, 0.5), (100, 0.99))))
    found = localizer.localize(query, OPTIONS)
    everything = localizer.localize(query, QueryOptions(ALL, ALL, "always"))
    assert compared(found) == ALL
    assert seen(found) == seen(everything)
    assert found.verdict == everything.verdict
    assert found.verdict.confidence == pytest.approx(0.5)  # by the last step that it reached


@pytest.mark.parametrize(
    "made", [None, calibrations.calibration(0.95, is_auto=False)], ids=["uncalibrated", "nothing for auto"]
)
def test_auto_is_always_where_nothing_says_when_to_stop(
    made: Calibration | None, localizer: Localizer, query: EncodedQuery
) -> None:
    localizer.place_map.calibration = made
    found = localizer.localize(query, OPTIONS)
    everything = localizer.localize(query, QueryOptions(ALL, ALL, "always"))
    assert (seen(found), found.verdict) == (seen(everything), everything.verdict)
    assert compared(found) == ALL
    assert found.status == ("uncalibrated" if made is None else "localized")


def test_what_is_elsewhere_has_candidates_and_no_position(localizer: Localizer, query: EncodedQuery) -> None:
    calibrated(localizer, calibrations.calibration(0.1))
    found = localizer.localize(query, OPTIONS)
    assert (found.status, found.position, found.verdict.radius_m) == ("not_found", None, None)
    assert len(found.candidates) == ALL
    assert found.verdict.confidence == pytest.approx(0.1)


@pytest.mark.parametrize(("rerank", "confidence"), [("never", 0.3), ("always", 0.9)])
def test_the_evidence_is_that_of_the_candidates(
    rerank: Rerank, confidence: float, localizer: Localizer, query: EncodedQuery
) -> None:
    calibrated(localizer, calibrations.calibration(steps=((0, 0.3), (1, 0.9)), within_m=400))
    found = localizer.localize(query, QueryOptions(ALL, ALL, rerank))
    best, places = found.candidates[0], localizer.place_map.places
    evidence = found.verdict.evidence
    assert isinstance(evidence, Evidence)
    assert evidence.score == (best.mutual_matches or 0)
    rivals = [each for each in found.candidates if abs(each.row - best.row) > 2]  # 168 m or less from row to row
    assert evidence.rival_score == max(each.mutual_matches or 0 for each in rivals)
    assert evidence.rival_similarity == pytest.approx(max(1 - each.global_distance**2 / 2 for each in rivals))
    assert found.verdict.confidence == pytest.approx(confidence)
    assert found.position == places[best.row].position


@pytest.mark.parametrize("rerank", ["never", "always"])
def test_rows_that_may_not_be_the_answer_are_as_if_the_map_had_them_not(
    rerank: Rerank, localizer: Localizer, query: EncodedQuery
) -> None:
    everything = localizer.localize(query, QueryOptions(ALL, ALL, rerank))
    barred = np.array([each.row for each in everything.candidates[:4]])
    found = localizer.localize(query, QueryOptions(ALL, ALL, rerank), without=barred)
    assert seen(found) == [each for each in seen(everything) if each[0] not in barred]
    fewer = localizer.localize(query, QueryOptions(3, 3, rerank), without=barred)
    assert len(fewer.candidates) == 3
    assert not set(barred) & {each.row for each in fewer.candidates}


def test_a_map_of_which_nothing_is_left_has_no_candidates(localizer: Localizer, query: EncodedQuery) -> None:
    found = localizer.localize(query, OPTIONS, without=np.arange(ALL))
    assert (found.status, found.position, found.candidates) == ("no_candidates", None, ())
    assert (found.verdict.evidence, found.gathered_bytes) == (None, 0)
