"""A front end and its shards, all real servers: together they answer as one machine."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from service.key_file import append_key
from service.keys import Scope, make_key
from service.settings import ServiceSettings
from tests.commands import RunCommand
from tests.service.asking import check_problem
from tests.service.conftest import Town, serving
from tests.service.sharding import ALL, NEAR, Fleet, answer_of, judged_town, serve_front, serve_shards


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return judged_town(tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="module")
def fleet(judged: Town) -> Iterator[Fleet]:
    with ExitStack() as stack:
        shards = serve_shards(stack, judged, 2)
        front = serve_front(stack, judged, [shard.url for shard in shards])
        alone = stack.enter_context(serving(ServiceSettings(maps=(judged.map_path,))))
        for served in (front, alone):
            served.wait_until_ready()
        yield Fleet(front, shards, alone)


@pytest.mark.parametrize(
    "fields",
    [
        {"rerank": "false", **ALL},
        {"rerank": "true", **ALL},
        {"rerank": "true", "candidates": "2", "shortlist": "5"},
        {"rerank": "auto", **ALL},
        {"rerank": "true", "candidates": "3", "shortlist": "12", **NEAR},
        {"rerank": "auto", "candidates": "2", "shortlist": "3", **NEAR, "heading": "40"},
        {"rerank": "true", **NEAR, "within_m": "0.5"},
        {"near": "0,0"},
        {"evidence": "matches", "rerank": "false", **ALL},
        {"evidence": "matches", "rerank": "true", "candidates": "1", "shortlist": "12"},
    ],
    ids=str,
)
def test_a_front_end_answers_as_one_machine(fields: dict[str, str], fleet: Fleet, judged: Town) -> None:
    for photo in list(judged.photos.values())[::4]:
        answer = answer_of(fleet.front, [photo], fields)
        assert answer == answer_of(fleet.alone, [photo], fields)
        assert (answer["matches"] is None) == ("evidence" not in fields)


@pytest.mark.parametrize("together", ["place", "sequence"])
def test_several_photos_are_answered_as_by_one_machine(together: str, fleet: Fleet, judged: Town) -> None:
    photos, fields = list(judged.photos.values())[1:4], {"together": together, "rerank": "true", **ALL}
    assert answer_of(fleet.front, photos, fields) == answer_of(fleet.alone, photos, fields)


def test_auto_compares_some_candidates_and_not_all(fleet: Fleet, judged: Town) -> None:
    photo = next(iter(judged.photos.values()))
    answer = answer_of(fleet.front, [photo], {"rerank": "auto", **ALL})
    assert answer["evidence"]["compared"] == 8
    assert [each["mutual_matches"] is None for each in answer["candidates"]] == 8 * [False] + 4 * [True]


def test_a_front_end_describes_maps_and_shows_pictures_as_one_machine(fleet: Fleet) -> None:
    front, alone = (served.client.get("/maps/town").json() for served in (fleet.front, fleet.alone))
    assert (front.pop("searcher"), alone.pop("searcher")) == ("shards", "faiss-cpu")
    assert front == alone
    path = "/maps/town/places/a%20street/3.jpg/thumbnail"
    assert fleet.front.client.get(path).content == fleet.alone.client.get(path).content


def test_calls_are_counted_by_shard(fleet: Fleet, judged: Town) -> None:
    metrics = fleet.front.runtime.metrics

    def answered(shard: str) -> float:
        labels = {"shard": shard, "outcome": "answered"}
        return metrics._registry.get_sample_value("placefix_shard_calls_total", labels) or 0.0

    before = [answered("1/2"), answered("2/2")]
    answer_of(fleet.front, [next(iter(judged.photos.values()))], {"rerank": "false"})
    assert [answered("1/2"), answered("2/2")] == [before[0] + 1, before[1] + 1]
    assert "placefix_shard_call_duration_seconds_count" in fleet.front.client.get("/metrics").text


def test_a_shard_answers_no_photo_and_shows_no_map(fleet: Fleet) -> None:
    for shard in fleet.shards:
        problem = check_problem(shard.client.post("/localize", content=b"a photo"), 421, "shard_only")
        assert "ask the front end" in problem["detail"]
        check_problem(shard.client.get("/maps/town"), 404, "")


def test_a_front_end_with_keys_asks_shards_with_keys(judged: Town, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    key, line = make_key("front", [Scope.READ])
    append_key(keys, "front", line)
    with ExitStack() as stack:
        shards = serve_shards(stack, judged, 2, keys=keys)
        check_problem(shards[0].client.post("/shard"), 401, "key_missing")
        front = serve_front(stack, judged, [shard.url for shard in shards], shard_key=key)
        front.wait_until_ready()
        answer_of(front, [next(iter(judged.photos.values()))], {})


def test_a_command_asks_shards_and_a_shard_answers_no_command(
    fleet: Fleet, judged: Town, command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = str(next(iter(judged.photos.values())))
    asked = ("localize", photo, "--map", str(judged.map_path), "--json")
    alone = json.loads(command(*asked).stdout)
    monkeypatch.setenv("PLACEFIX_SHARDS", ",".join(shard.url for shard in fleet.shards))
    found = json.loads(command(*asked).stdout)
    for answer in (alone, found):
        del answer["timings_ms"], answer["request_id"]
    assert found == alone
    monkeypatch.delenv("PLACEFIX_SHARDS")
    monkeypatch.setenv("PLACEFIX_SHARD", "1/2")
    refused = command(*asked)
    assert refused.returncode != 0
    assert "a part of a map answers no photo" in refused.stderr
