"""Versions and numbers of shards change under load: every query is answered, and each from one version."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from index_builder.changes.prune import prune_versions
from place_map import layout
from place_map.versions import existing_versions, read_current
from service.shard_state import SHARD_STATE, WANTED, Wanted
from tests.commands import RunCommand
from tests.service.conftest import Served, Town
from tests.service.map_versions import (
    asking_all_the_time,
    copy_town,
    flip_bit,
    is_served,
    served_version,
)
from tests.service.sharding import (
    activate,
    check_nothing_lost,
    judged_town_of_two_versions,
    photo_of,
    serve_front,
    serve_shards,
)
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return judged_town_of_two_versions(tmp_path_factory.mktemp("judged"))


@pytest.fixture
def town(judged: Town, tmp_path: Path) -> Town:
    return copy_town(judged, tmp_path)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def parts_of(shard: Served) -> set[str]:
    """Return the parts that a shard holds, and change nothing: this name has never needed any."""
    state = shard.client.post("/shard", content=WANTED.dump_json(Wanted("a test", ())))
    return {f"{each.version} {each.shard}" for each in SHARD_STATE.validate_json(state.content).held}


def test_a_version_is_activated_and_rolled_back_under_load(town: Town, stack: ExitStack) -> None:
    shards = serve_shards(stack, town, 2)
    front = serve_front(stack, town, [shard.url for shard in shards], watch_interval_s=0)
    front.wait_until_ready()
    with asking_all_the_time(front.url, photo_of(town)) as asked:
        wait_until(lambda: asked.is_beyond(5))
        for version in ("000002", "000001"):
            assert activate(front, version)[0] == 200
            assert served_version(front) == read_current(town.map_path).version == version
            count = asked.count
            wait_until(lambda count=count: asked.is_beyond(count + 5))  # type: ignore[misc]
    check_nothing_lost(asked, town, "000001", "000002")
    wait_until(lambda: [parts_of(shard) for shard in shards] == [{"000001 1/2"}, {"000001 2/2"}])
    prune_versions(town.map_path, versions=("000002",))
    assert existing_versions(town.map_path) == ["000001"]


def test_a_command_shows_the_shards_and_activates_at_all_front_ends(
    town: Town, stack: ExitStack, command: RunCommand
) -> None:
    shards = [*serve_shards(stack, town, 2), serve_shards(stack, town, 3)[2]]
    urls = [shard.url for shard in shards]
    fronts = [serve_front(stack, town, urls, shard_count=2, watch_interval_s=0) for _ in range(2)]
    for front in fronts:
        front.wait_until_ready()
    servers = [argument for front in fronts for argument in ("--server", front.url)]
    done = command("cluster", "activate", "2", "--shards", "3", *servers)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("version 000002 of town is served from 3 shards") == 2
    assert [served_version(front) for front in fronts] == ["000002", "000002"]
    wait_until(lambda: parts_of(shards[0]) == {"000002 1/3"})

    def status() -> Any:
        return json.loads(command("cluster", "status", "--json", "--server", fronts[0].url).stdout)

    wait_until(lambda: all(len(shard["parts"]) == 1 for shard in status()["shards"]))
    told = status()
    assert [(each["name"], each["version"]) for each in told["maps"]] == [("town", "000002")]
    assert [shard["parts"][0]["shard"] for shard in told["shards"]] == ["1/3", "2/3", "3/3"]
    assert [(shard["address"], shard["problem"]) for shard in told["shards"]] == [(url, None) for url in urls]
    shown = command("cluster", "status", "--server", fronts[0].url).stdout
    assert "town: version 000002 is served" in shown
    refused = command("cluster", "activate", "1", "--shards", "4", "--server", fronts[0].url)
    assert refused.returncode != 0
    assert "not enough for 4 shards" in " ".join(refused.stderr.split())


def test_front_ends_follow_what_a_command_makes_current(town: Town, stack: ExitStack) -> None:
    shards = serve_shards(stack, town, 2)
    urls = [shard.url for shard in shards]
    fronts = [serve_front(stack, town, urls, watch_interval_s=0.2) for _ in range(2)]
    for front in fronts:
        front.wait_until_ready()
    with asking_all_the_time(fronts[0].url, photo_of(town)) as asked:
        wait_until(lambda: asked.is_beyond(3))
        assert activate(fronts[1], "2")[0] == 200
        wait_until(lambda: is_served(fronts[0], "000002"))
        count = asked.count
        wait_until(lambda: asked.is_beyond(count + 3))
    check_nothing_lost(asked, town, "000001", "000002")
    wait_until(lambda: [parts_of(shard) for shard in shards] == [{"000002 1/2"}, {"000002 2/2"}])


def test_a_map_is_shared_out_among_more_shards_and_fewer_under_load(town: Town, stack: ExitStack) -> None:
    shards = [*serve_shards(stack, town, 2), serve_shards(stack, town, 3)[2]]
    front = serve_front(stack, town, [shard.url for shard in shards], shard_count=2, watch_interval_s=0)
    front.wait_until_ready()
    with asking_all_the_time(front.url, photo_of(town)) as asked:
        wait_until(lambda: asked.is_beyond(3))
        for count in (3, 2):
            assert activate(front, "1", shards=count)[0] == 200
            parts = [{f"000001 {number}/{count}"} for number in range(1, count + 1)]
            wait_until(lambda parts=parts: [parts_of(shard) for shard in shards][: len(parts)] == parts)  # type: ignore[misc]
            so_far = asked.count
            wait_until(lambda so_far=so_far: asked.is_beyond(so_far + 3))  # type: ignore[misc]
    check_nothing_lost(asked, town, "000001")
    metrics = front.client.get("/metrics").text
    for shard in ("1/2", "3/3"):
        assert f'placefix_shard_calls_total{{outcome="answered",shard="{shard}"}}' in metrics


def test_what_the_shards_cannot_bring_in_is_refused_and_the_version_before_stays(town: Town, stack: ExitStack) -> None:
    added = existing_segments_of_second_version(town)
    flip_bit(layout.segment_dir(town.map_path, added) / layout.GLOBALS)
    shards = serve_shards(stack, town, 2)
    front = serve_front(stack, town, [shard.url for shard in shards], watch_interval_s=0)
    front.wait_until_ready()
    with asking_all_the_time(front.url, photo_of(town)) as asked:
        status, problem = activate(front, "2")
        assert (status, problem["code"]) == (503, "shard_unavailable")
        assert "cannot serve version 000002 of town as " in problem["detail"]
        assert "globals.npy is damaged" in problem["detail"]
    check_nothing_lost(asked, town, "000001")
    assert served_version(front) == read_current(town.map_path).version == "000001"
    wait_until(lambda: [parts_of(shard) for shard in shards] == [{"000001 1/2"}, {"000001 2/2"}])


def existing_segments_of_second_version(town: Town) -> str:
    """Return the segment that only the second version has."""
    return max(path.name for path in (town.map_path / layout.SEGMENTS).iterdir())


def test_a_number_of_shards_that_cannot_be_is_refused(town: Town, stack: ExitStack) -> None:
    shards = serve_shards(stack, town, 2)
    front = serve_front(stack, town, [shard.url for shard in shards], watch_interval_s=0)
    front.wait_until_ready()
    status, problem = activate(front, "1", shards=3)
    assert (status, problem["code"]) == (422, "unusable_version")
    assert "name 2 addresses of shards, which are not enough for 3" in problem["detail"]
    assert front.client.get("/health/ready").status_code == 200


def test_a_shard_holds_two_parts_of_a_map_and_says_for_whom(town: Town, stack: ExitStack) -> None:
    [shard, _] = serve_shards(stack, town, 2)

    def ask(front: str, *parts: str) -> dict[str, Any]:
        wanted = [dict(zip(("map", "version", "shard"), part.split(), strict=True)) for part in parts]
        answer: dict[str, Any] = shard.client.post("/shard", json={"front": front, "parts": wanted}).json()
        return answer

    def reasons() -> list[str]:
        return [each["reason"] for each in ask("b", "town 000001 1/3")["refused"]]

    ask("a", "town 000001 1/2", "town 000002 1/2")
    wait_until(lambda: parts_of(shard) == {"000001 1/2", "000002 1/2"})
    wait_until(reasons)
    assert reasons() == [
        "holds town 000001 1/2 and town 000002 1/2 for other front ends, and has no room for town 000001 1/3"
    ]
    ask("b")
    ask("a", "town 000002 1/2")
    wait_until(lambda: parts_of(shard) == {"000002 1/2"})
    ask("a")
    assert parts_of(shard) == {"000002 1/2"}  # nobody needs it, and it stays until another one is needed


def test_a_front_end_that_says_nothing_is_forgotten(town: Town, stack: ExitStack) -> None:
    [shard, _] = serve_shards(stack, town, 2)
    held = shard.runtime._parts
    assert held is not None
    held.stop(0)  # so that this test alone keeps the parts
    held._thread.join()
    now_s = 0.0
    held._clock = lambda: now_s
    for front, version in (("dead", "000002"), ("alive", "000001")):
        body = {"front": front, "parts": [{"map": "town", "version": version, "shard": "1/2"}]}
        shard.client.post("/shard", json=body)
    held.keep()
    assert parts_of(shard) == {"000001 1/2", "000002 1/2"}
    now_s = 29.0
    shard.client.post(
        "/shard", json={"front": "alive", "parts": [{"map": "town", "version": "000001", "shard": "1/2"}]}
    )
    held.keep()
    assert parts_of(shard) == {"000001 1/2", "000002 1/2"}
    now_s = 31.0
    held.keep()
    assert parts_of(shard) == {"000001 1/2"}
