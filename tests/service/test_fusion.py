"""One answer for several photos, by a real map with a calibration made by hand."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.encoder import Encoder
from model.errors import InvalidInput
from model.geo import LatLon
from model.images import open_image
from model.preprocess import preprocess
from place_map.calibration import Calibration, Logistic, Step
from place_map.evidence import SIGNALS
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from service.asked import Together, read_times
from service.encoded_query import encode_queries
from service.fusion import fuse
from service.localization import Localization
from service.localizer import Localizer
from service.prior import Prior
from service.query_options import QueryOptions
from service.stages import Stage
from service.together import common_confidence
from tests.calibrations import ELSEWHERE_BELOW, SCALE, calibration
from tests.service.conftest import Town

OPTIONS = QueryOptions(5, 12, rerank="always")
PLACE, SEQUENCE = Together("place"), Together("sequence")
FIRST, SECOND, FAR = "a street/1.jpg", "a street/2.jpg", "x#\ny.jpg"


@pytest.fixture(scope="module")
def place_map(town: Town) -> Iterator[PlaceMap]:
    with PlaceMap.open(town.map_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def localizer(place_map: PlaceMap, tiny_encoder: Encoder) -> Localizer:
    return Localizer(tiny_encoder, place_map, open_searcher(place_map, torch.device("cpu")))


def by_ratio() -> Calibration:
    """Make a calibration that is sure if the best candidate has many more matches than its rival."""
    zeros, weights = (0.0,) * len(SIGNALS), tuple(4.0 * (name == "ratio") for name in SIGNALS)
    logistic = Logistic(means=zeros, scales=(1.0,) * len(SIGNALS), weights=weights, intercept=0.0)
    steps = tuple(Step(compared=compared, logistic=logistic, scale=SCALE) for compared in (0, 1))
    return calibration().model_copy(update={"steps": steps})


@pytest.fixture
def calibrated(localizer: Localizer, place_map: PlaceMap, monkeypatch: pytest.MonkeyPatch) -> Localizer:
    monkeypatch.setattr(place_map, "calibration", by_ratio())
    return localizer


def ask(localizer: Localizer, town: Town, names: Sequence[str], options: QueryOptions = OPTIONS) -> list[Localization]:
    """Ask about photos of the map; an empty name is a covered lens."""
    images = [
        preprocess(open_image(town.photos[name])) if name else torch.zeros(localizer.encoder.picture_shape)
        for name in names
    ]
    return [localizer.localize(query, options) for query in encode_queries(localizer.encoder, torch.stack(images))]


def test_photos_of_one_place_have_its_best_candidate(calibrated: Localizer, town: Town) -> None:
    found = ask(calibrated, town, [FIRST, FIRST, ""])
    answer = fuse(calibrated, found, PLACE, OPTIONS)
    assert answer.candidates[0].id == FIRST
    assert answer.position == answer.candidates[0].position
    assert len(answer.candidates) == OPTIONS.candidates
    assert len({candidate.row for candidate in answer.candidates}) == OPTIONS.candidates
    assert [part.rank for part in answer.photos[:2]] == [0, 0]
    assert answer.verdict.evidence == found[0].verdict.evidence
    confidences = [part.confidence or 0.0 for part in answer.photos]
    assert confidences[0] == found[0].verdict.confidence
    assert answer.verdict.confidence == pytest.approx(common_confidence(confidences))
    assert answer.status == "localized"


def test_a_place_is_answered_for_one_photo_as_for_the_photo_alone(calibrated: Localizer, town: Town) -> None:
    [alone] = ask(calibrated, town, [SECOND])
    answer = fuse(calibrated, [alone], PLACE, OPTIONS)
    assert answer.verdict == alone.verdict
    assert answer.candidates[0] == alone.candidates[0]
    assert answer.position == alone.position


def test_the_answer_to_a_sequence_is_the_last_photo_on_its_path(calibrated: Localizer, town: Town) -> None:
    found = ask(calibrated, town, ["a street/0.jpg", FIRST, FAR, SECOND])
    answer = fuse(calibrated, found, SEQUENCE, OPTIONS)
    assert [part.candidate and part.candidate.id for part in answer.photos] == ["a street/0.jpg", FIRST, None, SECOND]
    assert answer.position == town_position(answer, SECOND)
    assert answer.candidates[0].id == SECOND
    assert answer.photos[2].evidence == found[2].verdict.evidence
    assert answer.photos[2].confidence is None


def town_position(answer: Localization, place_id: str) -> LatLon:
    return next(candidate.position for candidate in answer.candidates if candidate.id == place_id)


def test_times_that_leave_no_time_for_the_way_break_a_path(calibrated: Localizer, town: Town) -> None:
    found = ask(calibrated, town, [FIRST, FAR])  # 1.7 km apart
    quick, slow = (
        fuse(calibrated, found, Together("sequence", times), OPTIONS) for times in ((0.0, 1.0), (0.0, 600.0))
    )
    assert [part.candidate is None for part in quick.photos].count(True) == 1
    assert [part.candidate is None for part in slow.photos] == [False, False]
    assert slow.candidates[0].id == FAR


def test_photos_that_contradict_each_other_leave_doubt(calibrated: Localizer, town: Town) -> None:
    found = ask(calibrated, town, [FIRST, FAR])
    answer = fuse(calibrated, found, PLACE, OPTIONS)
    surest = max(part.confidence or 0.0 for part in answer.photos)
    assert min(each.verdict.confidence or 0.0 for each in found) > 0.9  # each of its own place
    assert answer.verdict.confidence == pytest.approx(1 - 2 * (1 - surest))


def test_without_a_calibration_nobody_knows(localizer: Localizer, town: Town) -> None:
    answer = fuse(localizer, ask(localizer, town, [FIRST, FIRST]), PLACE, OPTIONS)
    assert (answer.status, answer.verdict.confidence) == ("uncalibrated", None)
    assert [part.confidence for part in answer.photos] == [None, None]
    assert answer.position is not None


def test_several_do_not_say_elsewhere_where_one_alone_would_not(
    localizer: Localizer, place_map: PlaceMap, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for confidence, status in ((ELSEWHERE_BELOW + 0.05, "uncertain"), (ELSEWHERE_BELOW - 0.05, "not_found")):
        monkeypatch.setattr(place_map, "calibration", calibration(confidence))
        found = ask(localizer, town, [FIRST, FAR, ""])
        answer = fuse(localizer, found, SEQUENCE, OPTIONS)
        assert {each.status for each in found} == {status}
        assert answer.status == status
        assert (answer.position is None) == (status == "not_found")
        assert answer.candidates


def test_photos_without_candidates_do_not_speak(calibrated: Localizer, town: Town) -> None:
    nowhere = replace(OPTIONS, prior=Prior(LatLon(0, 0)))
    for together in (PLACE, SEQUENCE):
        found = [*ask(calibrated, town, [FIRST]), *ask(calibrated, town, [SECOND], nowhere)]
        answer = fuse(calibrated, found, together, OPTIONS)
        assert answer.candidates[0].id == FIRST
        assert (answer.photos[1].candidate, answer.photos[1].evidence) == (None, None)
        nothing = fuse(calibrated, found[1:], together, OPTIONS)
        assert (nothing.status, nothing.position, nothing.candidates) == ("no_candidates", None, ())
        assert len(nothing.photos) == 1


def test_rivals_of_a_prior_are_no_candidates(calibrated: Localizer, town: Town) -> None:
    found = ask(calibrated, town, [FAR, FAR], replace(OPTIONS, prior=Prior(town.positions[FIRST], 1)))
    for together in (PLACE, SEQUENCE):
        answer = fuse(calibrated, found, together, OPTIONS)
        assert [each.id for each in answer.candidates] == [FIRST]


def test_seconds_of_all_photos_are_added_and_those_of_encoding_counted_once(localizer: Localizer, town: Town) -> None:
    found = ask(localizer, town, [FIRST, SECOND])
    answer = fuse(localizer, found, PLACE, OPTIONS)
    assert answer.seconds[Stage.ENCODE] == found[0].seconds[Stage.ENCODE] == found[1].seconds[Stage.ENCODE]
    assert answer.seconds[Stage.RERANK] == sum(each.seconds[Stage.RERANK] for each in found)
    assert answer.gathered_bytes == sum(each.gathered_bytes for each in found)


def test_without_re_ranking_nearness_speaks(localizer: Localizer, town: Town) -> None:
    options = replace(OPTIONS, rerank="never")
    for together, names in ((PLACE, [FIRST, FIRST, ""]), (SEQUENCE, ["", FIRST, FIRST])):
        answer = fuse(localizer, ask(localizer, town, names, options), together, options)
        assert answer.candidates[0].id == FIRST
        assert answer.candidates[0].mutual_matches is None


@pytest.mark.parametrize(
    ("text", "times_s"),
    [
        ("0,1.5, 3", (0, 1.5, 3)),
        ("5", (5,)),
        ("2026-05-01T10:00:00Z,2026-05-01T10:00:02.5+00:00", (0, 2.5)),
        ("2026-05-01T10:00:00,2026-05-01T10:01:00", (0, 60)),
        ("2026-05-01T12:00:00+02:00,2026-05-01T10:00:01+00:00", (0, 1)),
    ],
)
def test_times_are_seconds_or_iso(text: str, times_s: tuple[float, ...]) -> None:
    found = np.array(read_times(text))
    assert found - found[0] == pytest.approx(np.array(times_s) - times_s[0])


@pytest.mark.parametrize(
    ("kind", "times", "photos", "says"),
    [
        (None, "1,2", 2, "times has no effect without together=sequence"),
        ("place", "1,2", 2, "times has no effect without together=sequence"),
        ("sequence", "1,2,3", 2, "times has 3 times for 2 photos"),
        ("sequence", "2,1", 2, "times must not go back"),
        ("sequence", "1,noon", 2, "give seconds, as 0,1.5,3, or ISO 8601"),
        ("sequence", "1,2026-05-01", 2, "give seconds"),
        ("sequence", "1,", 2, "give seconds"),
        ("sequence", "0,inf", 2, "give seconds"),
        ("sequence", "0,nan", 2, "give seconds"),
        ("both", None, 2, "together must be one of place, sequence, not 'both'"),
    ],
)
def test_what_does_not_go_together_is_refused(kind: str | None, times: str | None, photos: int, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        Together.of(kind, times, photos)
