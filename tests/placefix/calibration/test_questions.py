"""A map is asked its own pictures, without pictures that would give the answer away."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index_builder.build import build_map
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.geo import distance_m
from model.images import DEFAULT_LIMITS
from model.places import Place
from place_map.calibration import DEFAULT_BEYOND_M
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from placefix.calibration.answers import Answer, AnswerLog
from placefix.calibration.questions import (
    Asked,
    Asker,
    ask_foreign_photos,
    ask_own_pictures,
    ask_photos,
    count_kinds,
    why_too_few,
)
from service.localizer import Localizer
from tests.conftest import write_photo
from tests.index_builder.map_factory import SMALL
from tests.placefix.calibration.conftest import BEGAN, PLACES, SIZES

SHORTLIST = 10


def test_a_picture_is_asked_without_itself_and_an_impossible_question_without_all_near_it(localizer: Localizer) -> None:
    asked = list(ask_own_pictures(Asker(localizer, SHORTLIST), 40))
    assert count_kinds(asked) == {"of_map": 40, "impossible": 20, "query": 0, "foreign": 0}
    places = localizer.place_map.places
    for question in asked:
        row = places.row_of(question.name.removeprefix("of the map: "))
        assert row is not None
        assert row not in question.answer.rows
        assert len(question.answer.rows) == len(question.answer.scores) == SHORTLIST
        away_m = [distance_m(places[row].position, places[each].position) for each in question.answer.rows.tolist()]
        if question.kind == "of_map":
            np.testing.assert_allclose(question.errors_m, away_m)
            assert min(away_m) < 25  # the other look at the place
        else:
            assert min(away_m) > DEFAULT_BEYOND_M
            assert np.isinf(question.errors_m).all()


def test_what_was_compared_for_one_question_of_a_picture_serves_the_next(localizer: Localizer) -> None:
    class Forgetful(Asker):
        """Compare everything anew."""

        def ask(self, *arguments: Any, **named: Any) -> Asked | None:
            return super().ask(*arguments, **named | {"before": None})

    spared, plain = (list(ask_own_pictures(kind(localizer, SHORTLIST), 12)) for kind in (Asker, Forgetful))
    assert [each.kind for each in spared] == [each.kind for each in plain]
    for one, other in zip(spared, plain, strict=True):
        assert one.answer.rows.tolist() == other.answer.rows.tolist()
        assert one.answer.scores.tolist() == other.answer.scores.tolist()
        assert one.answer.distances.tobytes() == other.answer.distances.tobytes()


def test_photos_whose_answers_are_known_are_not_opened_again(localizer: Localizer, tmp_path: Path) -> None:
    at = localizer.place_map.places[0].position
    photos = [Place(f"{n}.jpg", write_photo(tmp_path / f"{n}.jpg", seed=n, size=SIZES[0]), at) for n in range(3)]

    def ask(count: int) -> list[Asked]:
        asker = Asker(localizer, SHORTLIST, AnswerLog(tmp_path / "answers.jsonl", "about"))
        asked = ask_photos(asker, photos[:count], DEFAULT_LIMITS, {})
        return [*asked, *ask_foreign_photos(asker, photos[:count], DEFAULT_LIMITS)]

    before = ask(2)
    for photo in photos[:2]:
        photo.path.unlink()
    after = ask(3)
    known = [each for each in after if "2.jpg" not in each.name]
    assert [(each.kind, each.answer.rows.tolist()) for each in known] == [
        (each.kind, each.answer.rows.tolist()) for each in before
    ]
    assert len(after) == len(before) + 2


def test_the_same_pictures_are_asked_in_the_same_order(localizer: Localizer) -> None:
    few, many = ([each.name for each in ask_own_pictures(Asker(localizer, 2), count)] for count in (6, 30))
    assert few == many[: len(few)]


def test_copies_and_pictures_of_the_same_moment_are_no_other_look(
    tmp_path: Path, trained_encoder: Encoder, collection: SourceListing
) -> None:
    first, second, *others = collection.places[:12]
    copy = Place("copy.jpg", tmp_path / "copy.jpg", first.position, time=others[5].time)
    copy.path.write_bytes(first.path.read_bytes())
    burst = Place("burst.jpg", write_photo(tmp_path / "burst.jpg", seed=0, size=(156, 122)), first.position, time=BEGAN)
    listing = SourceListing((first, second, copy, burst, *others), (), "exif folder", tmp_path)
    build_map(listing, trained_encoder, tmp_path / "map", SMALL)
    with PlaceMap.open(tmp_path / "map") as place_map:
        localizer = Localizer(trained_encoder, place_map, open_searcher(place_map, trained_encoder.device))
        own = ask_own_pictures(Asker(localizer, 50), 50)
        asked = {each.name: each for each in own if each.kind == "of_map"}
        missing = set(range(len(place_map))) - set(asked[f"of the map: {first.id}"].answer.rows.tolist())
        assert {place_map.places[row].id for row in missing} == {first.id, "copy.jpg", "burst.jpg"}
        alone = set(range(len(place_map))) - set(asked[f"of the map: {second.id}"].answer.rows.tolist())
        assert {place_map.places[row].id for row in alone} == {second.id}


def test_photos_are_asked_as_they_are_and_without_their_place(localizer: Localizer, tmp_path: Path) -> None:
    at = localizer.place_map.places[0].position
    photos = [
        Place(f"{seed}.jpg", write_photo(tmp_path / f"{seed}.jpg", seed=0, size=SIZES[seed % 2]), at) for seed in (4, 5)
    ]
    conditions = {photos[1].path: "night"}
    asked = list(ask_photos(Asker(localizer, SHORTLIST), photos, DEFAULT_LIMITS, conditions))
    assert [(each.kind, each.condition) for each in asked] == [
        ("query", None), ("query", "night"), ("impossible", "night"),
    ]  # fmt: skip
    assert [float(each.errors_m[0]) < 25 for each in asked] == [True, True, False]
    [foreign] = ask_foreign_photos(Asker(localizer, SHORTLIST), photos[:1], DEFAULT_LIMITS)
    assert foreign.kind == "foreign"
    assert np.isinf(foreign.errors_m).all()


def test_a_network_that_is_not_trained_is_asked_for_the_order_of_its_global_features(
    localizer: Localizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(localizer.encoder, "is_trained", False)
    [asked] = ask_own_pictures(Asker(localizer, SHORTLIST), 1)
    assert len(asked.answer.rows) == SHORTLIST
    assert len(asked.answer.scores) == 0


@pytest.mark.parametrize(
    ("pictures", "why"),
    [
        (104, "104 questions have a right answer, and a calibration takes 105: 1 more pictures"),
        (2 * PLACES, None),
    ],
)
def test_too_few_questions_are_told_with_what_to_do(localizer: Localizer, pictures: int, why: str | None) -> None:
    told = why_too_few(list(ask_own_pictures(Asker(localizer, 4), pictures)), 25)
    assert told == why if why is None else (told is not None and told.startswith(why))


def test_answers_survive_a_run_that_was_killed_while_it_wrote(tmp_path: Path) -> None:
    path, about = tmp_path / "answers.jsonl", "a map"
    answers = {
        name: Answer(np.array([row]), np.array([0.1 + row], np.float32), np.array([7.0 * row]))
        for row, name in enumerate(("one", "two", "three"))
    }
    log = AnswerLog(path, about)
    for name, answer in answers.items():
        log.add(name, answer)
    path.write_bytes(path.read_bytes()[:-4])
    found = AnswerLog(path, about)
    assert found.find("three") is None
    for name in ("one", "two"):
        kept = found.find(name)
        assert kept is not None
        assert kept.rows.tolist() == answers[name].rows.tolist()
        assert kept.scores.tolist() == answers[name].scores.tolist()
        assert kept.distances.tobytes() == answers[name].distances.tobytes()
    assert AnswerLog(path, "another map").find("one") is None
