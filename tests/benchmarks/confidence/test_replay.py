"""A stored answer is replayed as the localizer gives it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.confidence.replay import replay
from model.encoder import Encoder
from place_map.calibration import Calibration
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from placefix.calibration.fit import fit
from placefix.calibration.questions import Asked, Asker, ask_own_pictures
from service.localizer import Localizer
from service.query_options import QueryOptions
from service.words import Rerank
from tests import calibrations
from tests.placefix.calibration.conftest import built, collection, localizer, trained_encoder, weights

__all__ = ["built", "collection", "localizer", "trained_encoder", "weights"]

SHORTLIST = 20


@pytest.fixture(scope="module")
def own(localizer: Localizer) -> list[Asked]:
    return list(ask_own_pictures(Asker(localizer, SHORTLIST), len(localizer.place_map)))


@pytest.fixture(scope="module")
def made(own: list[Asked], localizer: Localizer) -> Calibration:
    return fit(own, localizer.place_map.places, 25.0, "000001")


@pytest.fixture(scope="module")
def calibrated(
    built: Path, made: Calibration, trained_encoder: Encoder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Localizer]:
    path = calibrations.copied(built, tmp_path_factory.mktemp("replayed"))
    calibrations.give(path, made)
    with PlaceMap.open(path) as place_map:
        yield Localizer(trained_encoder, place_map, open_searcher(place_map, trained_encoder.device))


@pytest.mark.parametrize("mode", ["always", "auto"])
def test_verdict_and_comparisons_are_those_of_the_localizer(
    mode: Rerank, own: list[Asked], made: Calibration, calibrated: Localizer
) -> None:
    places = calibrated.place_map.places
    options = QueryOptions(SHORTLIST, SHORTLIST, mode)
    compared = []
    for asked in [each for each in own if each.kind == "of_map"][:40]:
        row = places.row_of(asked.name.removeprefix("of the map: "))
        assert row is not None
        found = calibrated.localize(calibrated.stored_query(row), options, without=np.array([row]))
        replayed = replay(asked, made, places, mode)
        assert replayed.verdict == found.verdict
        assert found.verdict.evidence is not None
        assert replayed.compared == found.verdict.evidence.compared
        compared.append(replayed.compared)
    assert (min(compared) < SHORTLIST) == (mode == "auto")
