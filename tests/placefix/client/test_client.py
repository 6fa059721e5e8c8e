"""The clients, and the local map, give the server's answers, and say why there is none."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, assert_type

import httpx
import pytest

from model.errors import InvalidInput
from model.picture_errors import CorruptImage, NotAnImage, UnreadableImage
from place_map.reader import PlaceMap
from placefix import (
    AsyncClient,
    Client,
    KeyRefused,
    LocalizationAnswer,
    Localizer,
    NotPlacefix,
    PhotoRefused,
    Question,
    ServedMap,
    ServerBusy,
    ServerProblem,
    ServerUnreachable,
)
from service.key_file import append_key
from service.keys import Scope, make_key
from tests.service.conftest import Serve, Served, Town

URL = "http://server.test"


def without_times(answer: LocalizationAnswer) -> dict[str, Any]:
    return answer.model_dump(exclude={"timings_ms", "request_id"})


QUESTIONS: list[tuple[int, Question]] = [
    (1, {}),
    (1, {"candidates": 2, "rerank": "always", "max_wrong": 0.1, "min_confidence": 0.5}),
    (1, {"shortlist": 3, "rerank": "never"}),
    (1, {"near": (55.7, 13.2), "within_m": 2000.0, "heading": 10, "heading_tolerance": 20}),
    (1, {"use_exif_position": True}),
    (3, {"together": "place"}),
    (2, {"together": "sequence", "times": [0, 1.5]}),
    (1, {"evidence": "matches"}),
]


@pytest.mark.parametrize(("count", "question"), QUESTIONS, ids=[str(question) for _, question in QUESTIONS])
def test_server_and_local_map_give_the_same_answer(
    count: int, question: Question, town: Town, town_server: Served
) -> None:
    photos = [town.photos[f"a street/{number}.jpg"] for number in range(1, 1 + count)]
    with Client(town_server.url) as client, Localizer(town.map_path) as localizer:
        by_server = assert_type(client.localize(*photos, **question), LocalizationAnswer)
        by_map = assert_type(localizer.localize(*map(str, photos), **question), LocalizationAnswer)

    async def ask() -> LocalizationAnswer:
        async with AsyncClient(town_server.url + "/") as client:
            return await client.localize(*(photo.read_bytes() for photo in photos), map="town", **question)

    assert without_times(by_server) == without_times(by_map) == without_times(asyncio.run(ask()))
    assert by_server.candidates
    assert by_server.request_id != by_map.request_id


def test_maps_are_listed(town: Town, village: Town, serve: Serve) -> None:
    served = serve(town, village)

    async def ask() -> list[ServedMap]:
        async with AsyncClient(served.url) as client:
            return await client.maps()

    with Client(served.url) as client:
        found = client.maps()
    assert [(each.name, each.version, each.pictures, each.is_damaged) for each in found] == [
        ("town", "000001", 12, False),
        ("village", "000001", 3, False),
    ]
    assert asyncio.run(ask()) == found


def test_a_photo_that_cannot_be_used_has_the_same_code_here_and_there(
    town: Town, town_server: Served, tmp_path: Path
) -> None:
    whole = town.photos["100%.jpg"].read_bytes()
    with Client(town_server.url) as client, Localizer(town.map_path) as localizer:
        for photo, kind in [(whole[:2000], CorruptImage), (b"text", NotAnImage)]:
            with pytest.raises(PhotoRefused) as refused:
                client.localize(photo)
            with pytest.raises(kind) as wrong:
                localizer.localize(photo)
            assert refused.value.code == wrong.value.code
            assert refused.value.request_id in refused.value.message
            assert refused.value.detail
            assert refused.value.retry_after_s is None
        for ask in (client.localize, localizer.localize):
            with pytest.raises(UnreadableImage, match=r"missing\.jpg cannot be read"):
                ask(tmp_path / "missing.jpg")


def test_bad_questions_are_told(town: Town, town_server: Served) -> None:
    photo = town.photos["100%.jpg"]
    with Client(town_server.url) as client, Localizer(town.map_path) as localizer:
        with pytest.raises(ServerProblem) as problem:
            client.localize(photo, candidates=0)
        assert problem.value.code == "invalid_parameter"
        assert [error.parameter for error in problem.value.errors] == ["candidates"]
        with pytest.raises(ServerProblem) as problem:
            client.localize(photo, map="elsewhere")
        assert (problem.value.code, problem.value.status) == ("map_not_found", 404)
        for ask in (client.localize, localizer.localize):
            with pytest.raises(TypeError, match="unexpected keyword argument 'top_k'"):
                ask(photo, top_k=3)  # type: ignore[call-arg]
            with pytest.raises(InvalidInput, match="is an address, and photos are not fetched"):
                ask("https://example.org/a.jpg")
            with pytest.raises(InvalidInput, match="no photo was given"):
                ask()
        with pytest.raises(InvalidInput, match="say with together=place"):
            localizer.localize(photo, photo)
        with pytest.raises(InvalidInput, match="candidates must be between"):
            localizer.localize(photo, candidates=0)
    with pytest.raises(InvalidInput, match="the localizer is closed"):
        localizer.localize(photo)


def test_a_key_is_sent(town: Town, serve: Serve, tmp_path: Path) -> None:
    key, line = make_key("me", [Scope.READ])
    append_key(tmp_path / "keys", "me", line)
    served = serve(town, keys=tmp_path / "keys")
    photo = town.photos["100%.jpg"]
    with Client(served.url, key=key) as client:
        assert client.localize(photo).candidates
    for wrong, code in [(None, "key_missing"), ("another", "key_unknown")]:
        with Client(served.url, key=wrong) as client, pytest.raises(KeyRefused) as refused:
            client.localize(photo)
        assert refused.value.code == code


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://server", "http://", "http://[", "http://server?a=1", ""])
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="is not an address of a server"):
        Client(url)


@pytest.mark.parametrize("key", ["", "two\nlines", "schlüssel"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput, match="the key holds characters that no key has"):
        Client(URL, key=key)


def answering(answer: Callable[[httpx.Request], httpx.Response], **options: Any) -> Client:
    return Client(URL, transport=httpx.MockTransport(answer), **options)


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    document = {"type": f"urn:{code}", "title": "", "status": status, "detail": "why", "code": code, "request_id": "7"}
    return httpx.Response(status, json=document | {"from_a_later_release": 1}, headers=headers)


def test_a_busy_server_is_asked_again(town: Town, town_server: Served) -> None:
    photo = town.photos["100%.jpg"]
    good = town_server.client.post("/localize", content=photo.read_bytes())
    responses = [
        problem(503, "overloaded", **{"Retry-After": "0"}),
        problem(503, "not_ready", **{"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"}),
        httpx.Response(200, content=good.content),
    ]
    with answering(lambda _: responses.pop(0)) as client:
        assert client.localize(photo).request_id == good.json()["request_id"]
    assert not responses


def test_patience_ends(town: Town) -> None:
    photo = town.photos["100%.jpg"]
    with (
        answering(lambda _: problem(503, "overloaded", **{"Retry-After": "3600"})) as client,
        pytest.raises(ServerBusy) as busy,
    ):
        client.localize(photo)
    assert busy.value.retry_after_s == 3600
    assert busy.value.request_id == "7"
    with answering(lambda _: problem(504, "deadline_exceeded")) as client, pytest.raises(ServerBusy):
        client.localize(photo)


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (httpx.Response(200, text="<html>"), "but not as Placefix does"),
        (httpx.Response(200, json={"status": "localized"}), "but not as Placefix does"),
        (httpx.Response(413, text="<html>too large</html>"), "answers 413"),
        (httpx.Response(301, headers={"Location": "https://other.test/localize"}), "leads elsewhere, to https://other"),
    ],
)
def test_what_is_no_answer_of_placefix_is_told(response: httpx.Response, says: str) -> None:
    with answering(lambda _: response) as client, pytest.raises(NotPlacefix, match=says):
        client.localize(b"photo")


def test_what_a_later_release_adds_is_passed_over(town: Town, town_server: Served) -> None:
    photo = town.photos["100%.jpg"]
    document = town_server.client.post("/localize", content=photo.read_bytes()).json()
    document |= {"status": "nearly_localized", "weather": "rain"}
    with answering(lambda _: httpx.Response(200, json=document)) as client:
        assert str(client.localize(photo).status) == "nearly_localized"


def test_an_address_behind_a_proxy_keeps_its_path() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return problem(404, "not_found")

    with (
        Client(URL + "/placefix", key="secret", transport=httpx.MockTransport(answer)) as client,
        pytest.raises(ServerProblem),
    ):
        client.localize(b"photo", near=(-33.9, -70.6), use_exif_position=False)
    assert str(asked[0].url) == URL + "/placefix/localize"
    assert asked[0].headers["X-API-Key"] == "secret"
    body = asked[0].content.decode()
    assert "-33.9,-70.6" in body
    assert 'name="use_exif_position"\r\n\r\nfalse' in body


def test_a_server_is_not_told_what_photos_are_called(town: Town) -> None:
    asked: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.content)
        return problem(404, "not_found")

    photo = town.photos["a street/1.jpg"]
    with answering(answer) as client, pytest.raises(ServerProblem):
        client.localize(photo)
    assert photo.read_bytes() in asked[0]
    assert b'filename="photo"' in asked[0]
    assert b"street" not in asked[0]


def test_nobody_there_is_told() -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(ServerUnreachable, match="is the server running"):
        client.localize(b"photo")

    def late(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late")

    with answering(late) as client, pytest.raises(ServerUnreachable, match="does not answer in time"):
        client.localize(b"photo")


@pytest.mark.parametrize("place_id", ["a street/1.jpg", "100%.jpg", "x#\ny.jpg", "ä ö/ñ 1.jpg"])
def test_a_picture_of_a_map_is_fetched_by_its_id(place_id: str, town: Town, town_server: Served) -> None:
    async def ask() -> bytes:
        async with AsyncClient(town_server.url) as client:
            return await client.thumbnail("town", place_id)

    with Client(town_server.url) as client, PlaceMap.open(town.map_path) as place_map:
        row = place_map.places.row_of(place_id)
        assert row is not None
        assert client.thumbnail("town", place_id) == place_map.thumbnail(row) == asyncio.run(ask())
        with pytest.raises(ServerProblem) as raised:
            client.thumbnail("town", "nothing.jpg")
    assert raised.value.code == "place_not_found"
