"""A front end refuses if a shard is missing, is another, or fails: it names the shard, and answers no part."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
import torch
from safetensors.torch import save

from index_builder.changes.prune import prune_versions
from model.errors import InvalidInput
from service.configured_maps import load_configured
from service.key_file import append_key
from service.keys import Scope, make_key
from service.settings import ServiceSettings, load_settings
from service.shard_identity import ShardIdentity
from service.shard_messages import Question, pack_question
from service.shard_state import SHARD_STATE, WANTED, Wanted
from tests.service.asking import check_problem
from tests.service.conftest import Served, Town, serving
from tests.service.faulty_shard import Fault, FaultyShard, faulty_shard
from tests.service.map_versions import copy_town, remove_one
from tests.service.sharding import judged_town, serve_front, serve_shards
from tests.waiting import PATIENCE_S, wait_until


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return judged_town(tmp_path_factory.mktemp("judged"), index="SQ8")


@pytest.fixture(scope="module")
def photo(town: Town) -> bytes:
    return next(iter(town.photos.values())).read_bytes()


@pytest.fixture(scope="module")
def shards(town: Town) -> Iterator[tuple[Served, ...]]:
    with ExitStack() as stack:
        yield serve_shards(stack, town, 2)


@pytest.fixture(scope="module")
def second(shards: tuple[Served, ...]) -> Iterator[FaultyShard]:
    """Return the second shard, behind a proxy that fails as it is told."""
    with faulty_shard(shards[1].url) as faulty:
        yield faulty


@pytest.fixture(scope="module")
def front(town: Town, shards: tuple[Served, ...], second: FaultyShard) -> Iterator[Served]:
    with ExitStack() as stack:
        front = serve_front(stack, town, [shards[0].url, second.url], shard_timeout_s=PATIENCE_S)
        front.wait_until_ready()
        yield front


def refusal(served: Served, photo: bytes) -> str:
    """Return the reason for which a photo is not answered."""
    response = served.client.post("/localize", content=photo)
    assert int(response.headers["Retry-After"]) >= 1
    return str(check_problem(response, 503, "shard_unavailable")["detail"])


def outcomes(served: Served, shard: str) -> dict[str, float]:
    """Return the outcomes of the calls to a shard, without those that never occurred."""
    prefix = 'placefix_shard_calls_total{outcome="'
    lines = [line for line in served.client.get("/metrics").text.splitlines() if line.startswith(prefix)]
    found = {line.split('"')[1]: float(line.split()[-1]) for line in lines if f'shard="{shard}"' in line}
    return {outcome: count for outcome, count in found.items() if count}


@pytest.mark.parametrize(
    ("faults", "outcome", "reason"),
    [
        (["garbage"], "answered", "answers, and not as a shard does: the answer cannot be read"),
        (["nothing"], "answered", "answers, and not as a shard does"),
        (["endless"], "garbage", "sends more than 1048576 bytes"),
        (["busy"], "busy", "cannot answer now: 128 queries are being answered"),
        (["break", "break"], "unreachable", "cannot be reached (ServerDisconnectedError)"),
    ],
    ids=str,
)
def test_a_shard_that_fails_is_named_and_the_next_query_is_answered(
    faults: list[Fault], outcome: str, reason: str, front: Served, second: FaultyShard, photo: bytes
) -> None:
    wait_until(lambda: front.client.get("/health/ready").status_code == 200)
    before = outcomes(front, "2/2").get(outcome, 0.0)
    second.faults += faults
    detail = refusal(front, photo)
    assert detail.startswith(f"shard 2/2 {reason}")
    assert outcomes(front, "2/2")[outcome] > before
    assert front.client.post("/localize", content=photo).status_code == 200


def test_a_shard_that_keeps_silent_is_named_after_the_time_limit(
    town: Town, shards: tuple[Served, ...], second: FaultyShard, photo: bytes
) -> None:
    with ExitStack() as stack:
        front = serve_front(stack, town, [shards[0].url, second.url], shard_timeout_s=2)
        front.wait_until_ready()
        second.faults += ["silent"]
        assert "did not answer within 2 seconds" in refusal(front, photo)


def test_a_connection_that_breaks_once_is_no_failure(front: Served, second: FaultyShard, photo: bytes) -> None:
    before = outcomes(front, "2/2").get("unreachable", 0.0)
    expected = front.client.post("/localize", content=photo, params={"rerank": "true"}).json()["candidates"]
    for position in range(2):  # in the round of the shortlist, and in one of counting
        second.faults += [*["forward"] * position, "break"]  # type: ignore[list-item]
        answer = front.client.post("/localize", content=photo, params={"rerank": "true"})
        assert answer.json()["candidates"] == expected
    assert outcomes(front, "2/2")["unreachable"] == before + 2


def test_a_call_is_broken_off_once_the_deadline_of_the_query_has_passed(
    town: Town, shards: tuple[Served, ...], second: FaultyShard, photo: bytes
) -> None:
    with ExitStack() as stack:
        urls = [shards[0].url, second.url]
        front = serve_front(stack, town, urls, shard_timeout_s=10 * PATIENCE_S, deadline_s=1)
        front.wait_until_ready()
        second.is_broken_off.clear()
        second.faults += ["silent"]
        check_problem(front.client.post("/localize", content=photo), 504, "deadline_exceeded")
        assert second.is_broken_off.wait(PATIENCE_S)


def test_a_front_end_waits_for_a_shard_and_is_back_as_soon_as_the_shard_is(town: Town, photo: bytes) -> None:
    with ExitStack() as stack:
        [first, _] = serve_shards(stack, town, 2)
        with ExitStack() as shard_alone:
            [_, gone] = serve_shards(shard_alone, town, 2)
            port = gone.port
        front = serve_front(stack, town, [first.url, gone.url])
        wait_until(lambda: is_loaded(front))
        problem = check_problem(front.client.get("/health/ready"), 503, "shard_unavailable")
        assert problem["detail"] == "shard 2/2 cannot be reached (ClientConnectorError)"
        assert refusal(front, photo) == problem["detail"]
        assert "placefix_ready 0.0" in front.client.get("/metrics").text
        settings = ServiceSettings(maps=(town.map_path,), shard="2/2")
        with serving(settings, port=port):
            front.wait_until_ready()
            assert front.client.post("/localize", content=photo).status_code == 200
        wait_until(lambda: front.client.get("/health/ready").status_code == 503)
        start = time.monotonic()
        assert "shard 2/2" in refusal(front, photo)
        assert time.monotonic() - start < PATIENCE_S


def is_loaded(served: Served) -> bool:
    return bool(served.client.get("/health/ready").json()["code"] == "shard_unavailable")


def other_version(town: Town, folder: Path) -> tuple[Town, dict[str, Any]]:
    copied = copy_town(town, folder)
    remove_one(copied)
    prune_versions(copied.map_path, keep=1)
    return copied, {"shard": "2/2"}


def other_number(town: Town, _folder: Path) -> tuple[Town, dict[str, Any]]:
    return town, {"shard": "1/2"}


def other_matcher(town: Town, _folder: Path) -> tuple[Town, dict[str, Any]]:
    return town, {"shard": "2/2", "matching_precision": "exact"}


def other_map(town: Town, folder: Path) -> tuple[Town, dict[str, Any]]:
    copied = copy_town(town, folder)
    return Town(
        copied.photos, copied.positions, copied.weights, copied.map_path.rename(copied.map_path.parent / "village")
    ), {"shard": "2/2"}


def no_shard(town: Town, _folder: Path) -> tuple[Town, dict[str, Any]]:
    return town, {}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (other_version, "cannot serve version 000001 of town as 2/2: "),
        (other_number, "is another than it must be: shard 1/2 instead of 2/2"),
        (other_matcher, "is another than it must be: matcher torch-float32 instead of "),
        (other_map, "does not serve the map town"),
        (no_shard, "is not a shard, or has no map of that name"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_mixture_is_refused_with_names(
    make: Callable[[Town, Path], tuple[Town, dict[str, Any]]],
    reason: str,
    town: Town,
    shards: tuple[Served, ...],
    photo: bytes,
    tmp_path: Path,
) -> None:
    other, settings = make(town, tmp_path)
    with ExitStack() as stack:
        wrong = stack.enter_context(serving(ServiceSettings(maps=(other.map_path,), **settings)))
        wrong.wait_until_ready()
        front = serve_front(stack, town, [shards[0].url, wrong.url])
        wait_until(lambda: is_loaded(front))
        wait_until(lambda: "does not hold" not in refusal(front, photo))  # it refuses after it has tried
        assert refusal(front, photo).startswith(f"shard 2/2 {reason}")


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, "this needs a key"), ("placefix_wrong", "the key that was sent is not a key of this service")],
)
def test_a_wrong_key_is_named(key: str | None, reason: str, town: Town, photo: bytes, tmp_path: Path) -> None:
    append_key(tmp_path / "keys", "front", make_key("front", [Scope.READ])[1])
    with ExitStack() as stack:
        urls = [shard.url for shard in serve_shards(stack, town, 2, keys=tmp_path / "keys")]
        front = serve_front(stack, town, urls, shard_key=key)
        wait_until(lambda: is_loaded(front))
        detail = refusal(front, photo)
        assert f"shard 1/2 refuses the key that it gets, which shard_key names: {reason}" in detail
        assert "shard 2/2" in detail


@pytest.fixture(scope="module")
def identity(shards: tuple[Served, ...]) -> ShardIdentity:
    asked = WANTED.dump_json(Wanted("a test", ()))
    [identity] = SHARD_STATE.validate_json(shards[0].client.post("/shard", content=asked).content).held
    return identity


VECTOR, NO_ROWS = torch.ones(1, 64), torch.empty(0, dtype=torch.int64)


def test_a_question_that_is_none_is_refused_by_the_shard(shards: tuple[Served, ...], identity: ShardIdentity) -> None:
    def ask(path: str, tensors: dict[str, torch.Tensor], **changes: Any) -> httpx.Response:
        question = replace(Question(identity, limit_s=10, shortlist=3), **changes)
        return shards[0].client.post(f"/shard/{path}", content=pack_question(question, tensors))

    good = {"query": VECTOR, "without": NO_ROWS}
    assert ask("shortlist", good).status_code == 200
    wrong = [
        ask("shortlist", {"query": VECTOR}),
        ask("shortlist", good | {"more": VECTOR.clone()}),
        ask("shortlist", good | {"query": torch.ones(1, 63)}),
        ask("shortlist", good | {"query": torch.full((1, 64), float("nan"))}),
        ask("shortlist", good | {"query": torch.ones(1, 64, dtype=torch.int64)}),
        ask("shortlist", good | {"query": torch.ones(1, 64).to(torch.float8_e4m3fn)}),
        ask("shortlist", good | {"query": torch.full((1, 64), 3e38)}),
        ask("shortlist", good | {"without": torch.ones(2)}),
        ask("shortlist", good, limit_s=0),
        ask("shortlist", good, shortlist=0),
        ask("shortlist", good, shortlist=1001),
        ask("compare", {"query": torch.ones(5, 16), "rows": torch.tensor([10_000])}),
        ask("compare", {"query": torch.ones(5, 16), "rows": torch.tensor([-1])}),
        ask("compare", {"query": torch.ones(5, 15), "rows": NO_ROWS}),
        ask("compare", {"query": torch.ones(5), "rows": NO_ROWS}),
        ask("compare", {"query": torch.ones(5, 16), "rows": torch.zeros(1001, dtype=torch.int64)}),
        ask("compare", {"query": torch.ones(5, 16).to(torch.float8_e5m2), "rows": NO_ROWS}),
        ask("shortlist", good, shortlist=2**70),
        ask("shortlist", good, shortlist=-1),
    ]
    wrong += [
        shards[0].client.post("/shard/compare", content=body)
        for body in (b"", b"garbage", save({"query": VECTOR, "rows": NO_ROWS}), b"\xff" * 100)
    ]
    for response in wrong:
        check_problem(response, 400, "malformed_body")
    problem = check_problem(
        ask("shortlist", good, identity=replace(identity, matcher="torch")), 409, "unexpected_shard"
    )
    assert f"matcher {identity.matcher} instead of torch" in problem["detail"]
    problem = check_problem(ask("shortlist", good, identity=replace(identity, search="all")), 409, "unexpected_shard")
    assert "search codes " in problem["detail"]
    assert " instead of all" in problem["detail"]
    problem = check_problem(
        ask("shortlist", good, identity=replace(identity, version="000002")), 409, "unexpected_shard"
    )
    assert "this shard does not hold town 000002 1/2; it holds town 000001 1/2" in problem["detail"]


def test_damaged_questions_are_refused_or_answered_and_the_shard_goes_on(
    shards: tuple[Served, ...], identity: ShardIdentity
) -> None:
    whole = pack_question(Question(identity, limit_s=10, shortlist=3), {"query": VECTOR, "without": NO_ROWS})
    random, statuses = Random(7), set[int]()
    for _ in range(200):
        body = bytearray(whole)
        at, length = random.randrange(len(body)), random.randrange(1, 40)
        body[at : at + random.choice([1, length])] = random.randbytes(random.choice([0, 1, length]))
        path = random.choice(["shortlist", "compare"])
        statuses.add(shards[0].client.post(f"/shard/{path}", content=bytes(body)).status_code)
    assert 400 in statuses
    assert statuses <= {200, 400, 404, 409, 504}  # a damaged name of a map, another identity, a shorter time limit
    assert shards[0].client.get("/health/ready").status_code == 200


def test_a_map_that_cannot_be_shared_out_is_refused_at_start(town: Town) -> None:
    settings = [
        ServiceSettings(maps=(town.map_path,), shard="1/4"),
        ServiceSettings(maps=(town.map_path,), shards=tuple(f"http://127.0.0.1:{port}" for port in range(1, 5))),
    ]
    for each in settings:
        with serving(each) as served:
            wait_until(lambda: served.runtime.failure is not None)
            assert isinstance(served.runtime.failure, InvalidInput)
            assert "3 segments cannot be shared out among 4 shards" in served.runtime.failure.message


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"shard": "4/3"}, "shard: Input should be a shard such as 1/3"),
        ({"shard": "one"}, "shard: Input should be a shard such as 1/3"),
        ({"shards": "10.0.0.1:8000"}, "shards: '10.0.0.1:8000' is not the address of a shard: write it as http://10.0.0.1:8000"),
        ({"shards": "http://"}, "is not the address of a shard"),
        ({"shards": "http://a:secret@b"}, "shards: 'http://b' is not the address of a shard"),
        ({"shards": "http://a,http://a/"}, "shards: Input should name each shard once"),
        ({"shards": "ray://10.0.0.1:10001"}, "or as ray:NAME, with the name of its application in Ray Serve"),
        ({"shards": "ray:a,ray:a"}, "shards: Input should name each shard once"),
        ({"shards": "ray:a,http://b"}, "shards: Input should have all shards at http addresses, or all in Ray"),
        ({"shards": "http://a", "shard": "1/2"}, "shards: Input should be left out on a shard"),
        ({"shards": "http://a,http://b", "shard_count": 3}, "at most the number of addresses in shards, which is 2"),
        ({"shard_count": 1}, "in shards, which is 0"),
        ({"shard_key": "schlüssel"}, "shard_key: Input should be a key"),
        ({"shard_timeout_s": 0}, "shard_timeout_s: Input should be greater than 0"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_are_sentences(given: dict[str, object], complaint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        load_settings(given)
    assert complaint in refused.value.message
    assert "secret" not in refused.value.message


def test_addresses_come_separated_by_commas_and_the_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACEFIX_SHARDS", "http://10.0.0.1:8000, https://two.example/placefix/")
    monkeypatch.setenv("PLACEFIX_SHARD_KEY", "placefix_abc")
    settings = load_settings({})
    assert settings.shards == ("http://10.0.0.1:8000", "https://two.example/placefix")
    assert "placefix_abc" not in repr(settings)


def test_shards_in_ray_need_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    settings = load_settings({"maps": "/maps/town", "shards": "ray:town-1,ray:town-2"})
    assert (settings.shards, settings.shards_in_use) == (("ray:town-1", "ray:town-2"), 2)
    with pytest.raises(InvalidInput, match=r"not installed: pip install 'placefix\[cluster\]', on every machine"):
        load_configured(settings)
