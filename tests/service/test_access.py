"""The rights of each key, over a real socket."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.key_file import append_key, remove_key
from service.keys import Scope, make_key
from service.page_files import page_files
from service.settings import ServiceSettings
from tests.service.conftest import Served, Town, serving
from tests.service.test_metrics import scrape, value
from tests.waiting import PATIENCE_S, wait_until

READ = ["GET /maps", "GET /maps/town", "GET /maps/town/places/100%25.jpg/thumbnail", "GET /samples", "POST /localize"]
READ += ["GET /samples/nothing", "GET /maps/nothing"]  # also for absent things: the answer reveals nothing
READ += ["GET /maps/town/versions", "GET /basemap/0/0/0"]
BROWSE = ["GET /maps/town/places", "GET /maps/nothing/places"]
ADMIN = ["POST /maps/town/activate", "POST /maps/nothing/activate", "GET /shards"]
METRICS = ["GET /metrics"]
FREE = [
    "GET /health/live",
    "GET /health/ready",
    "GET /",
    "GET /status",
    "GET /page/options",
    "GET /docs",
    "GET /openapi.json",
]
FREE += [f"GET {page_files().path_of('page.js')}"]
NEEDED = {Scope.READ: READ, Scope.BROWSE: BROWSE, Scope.ADMIN: ADMIN, Scope.METRICS: METRICS}


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys.txt"


def new_key(path: Path, name: str, *scopes: Scope) -> str:
    key, line = make_key(name, scopes)
    append_key(path, name, line)
    return key


@pytest.fixture(scope="module")
def keys(key_file: Path) -> dict[Scope, str]:
    return {scope: new_key(key_file, f"key-{scope}", scope) for scope in Scope}


@pytest.fixture(scope="module")
def server(town: Town, keys: dict[Scope, str], key_file: Path) -> Iterator[Served]:
    assert keys
    with serving(ServiceSettings(maps=(town.map_path,), keys=key_file)) as served:
        served.wait_until_ready()
        yield served


def ask(server: Served, request: str, headers: dict[str, str] | None = None) -> httpx.Response:
    method, path = request.split()
    return server.client.request(method, path, headers=headers)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("request_line", FREE)
def test_some_things_need_no_key(request_line: str, server: Served) -> None:
    assert ask(server, request_line).status_code == 200


@pytest.mark.parametrize("request_line", READ + BROWSE + ADMIN + METRICS)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic a2V5"}, {"Authorization": "Bearer"}])
def test_without_a_key_the_answer_says_how_to_send_one(
    request_line: str, headers: dict[str, str], server: Served
) -> None:
    response = ask(server, request_line, headers)
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="placefix"'
    problem = response.json()
    assert problem["code"] == "key_missing"
    assert "Authorization: Bearer KEY" in problem["detail"]


@pytest.mark.parametrize("request_line", READ + BROWSE + ADMIN + METRICS)
def test_an_unknown_key_is_refused_and_not_repeated(request_line: str, server: Served) -> None:
    for headers in (bearer("placefix_wrong"), {"X-API-Key": "placefix_wrong"}, {"X-API-Key": "ü\xff"}):
        response = ask(server, request_line, {name: value.encode() for name, value in headers.items()})  # type: ignore[misc]
        assert (response.status_code, response.json()["code"]) == (401, "key_unknown")
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
        assert "wrong" not in response.text


@pytest.mark.parametrize("request_line", READ + BROWSE + ADMIN + METRICS)
@pytest.mark.parametrize("scope", list(Scope))
def test_each_scope_opens_what_is_its_own_and_nothing_else(
    request_line: str, scope: Scope, server: Served, keys: dict[Scope, str]
) -> None:
    needed = next(scope for scope, lines in NEEDED.items() if request_line in lines)
    for headers in (bearer(keys[scope]), {"X-API-Key": keys[scope]}, {"Authorization": f"bearer {keys[scope]}"}):
        response = ask(server, request_line, headers)
        if scope is needed:
            assert response.status_code not in {401, 403}
        else:
            assert (response.status_code, response.json()["code"]) == (403, "scope_missing")
            assert response.json()["detail"].startswith(f"this needs a key with the scope {needed}")
            assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]


def test_a_proxys_own_authorization_leaves_the_other_header(server: Served, keys: dict[Scope, str]) -> None:
    headers = {"Authorization": "Basic cHJveHk6cHJveHk=", "X-API-Key": keys[Scope.READ]}
    assert ask(server, "GET /maps", headers).status_code == 200


def test_a_key_in_the_address_is_no_key(server: Served, keys: dict[Scope, str]) -> None:
    for name in ("key", "api_key", "access_token", "X-API-Key"):
        assert server.client.get("/maps", params={name: keys[Scope.READ]}).status_code == 401


@pytest.mark.parametrize(
    "head",
    [
        "GET /maps HTTP/1.1\r\nHost: x/health/live?",
        "GET /maps HTTP/1.1\r\nHost: x\r\nX-Original-URL: /health/live\r\nX-Rewrite-URL: /health/live",
        "GET //maps HTTP/1.1\r\nHost: x",
        "GET /maps/ HTTP/1.1\r\nHost: x",
        "GET /health/live/../../maps HTTP/1.1\r\nHost: x",
        "GET /%6daps HTTP/1.1\r\nHost: x",
        "GET http://x/maps HTTP/1.1\r\nHost: x",
        "HEAD /maps HTTP/1.1\r\nHost: x",
        "GET /maps;/health/live HTTP/1.1\r\nHost: x",
        "GET /MAPS HTTP/1.1\r\nHost: x",
        "GET /maps HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: OPTIONS",
    ],
)
def test_no_way_of_writing_an_address_passes_the_check(head: str, server: Served) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode())
        status = connection.recv(65_536).split(b" ", 2)[1]
    assert status in {b"400", b"401", b"404"}


@pytest.mark.parametrize("scope", list(Scope))
def test_the_page_is_told_whether_it_may_list_pictures(scope: Scope, server: Served, keys: dict[Scope, str]) -> None:
    assert ask(server, "GET /page/options", bearer(keys[scope])).json()["may_browse"] is (scope is Scope.BROWSE)
    assert ask(server, "GET /page/options").json()["may_browse"] is False
    assert ask(server, "GET /page/options", bearer("wrong")).json()["may_browse"] is False


def test_a_query_is_answered_with_a_key(town: Town, server: Served, keys: dict[Scope, str]) -> None:
    content = town.photos["a street/3.jpg"].read_bytes()
    answer = server.client.post("/localize", content=content, headers=bearer(keys[Scope.READ]))
    assert answer.json()["candidates"][0]["id"] == "a street/3.jpg"


def test_somebody_without_a_key_is_refused_before_the_body_has_come(server: Served) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"POST /localize HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")


def test_refusals_are_counted(server: Served, keys: dict[Scope, str]) -> None:
    def refused() -> list[float]:
        samples = scrape_with(server, keys[Scope.METRICS])
        return [value(samples, "placefix_rejected_total", reason=f"{code}") for code in ("key_missing", "key_unknown")]

    before = refused()
    ask(server, "GET /maps")
    ask(server, "GET /maps", bearer("nothing"))
    assert refused() == [count + 1 for count in before]


def scrape_with(server: Served, key: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    with httpx.Client(base_url=server.client.base_url, headers=bearer(key)) as client:
        return scrape(Served(client, server.runtime, server.server, server.port))


def test_keys_can_be_added_and_revoked_while_the_service_runs(key_file: Path, server: Served) -> None:
    late = new_key(key_file, "late", Scope.READ)
    wait_for(server, late, 200)
    remove_key(key_file, "late")
    wait_for(server, late, 401)


def wait_for(server: Served, key: str, status: int) -> None:
    wait_until(lambda: ask(server, "GET /maps", bearer(key)).status_code == status)


def test_the_document_says_what_needs_which_scope(server: Served, town_server: Served) -> None:
    document = ask(server, "GET /openapi.json").json()
    schemes = document["components"]["securitySchemes"]
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert (schemes["key"]["type"], schemes["key"]["in"], schemes["key"]["name"]) == ("apiKey", "header", "X-API-Key")
    scopes = {
        path: operation.get("security", [{}])[0].get("bearer")
        for path, methods in document["paths"].items()
        for operation in methods.values()
    }
    others: dict[str, list[str] | None] = {"/metrics": ["metrics"], "/maps/{name}/places": ["browse"]}
    others |= {"/maps/{name}/activate": ["admin"], "/shards": ["admin"], "/health/live": None, "/health/ready": None}
    assert scopes == {path: ["read"] for path in document["paths"]} | others
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert ({"401", "403"} <= set(operation["responses"])) == (scopes[path] is not None)
    without_keys = ask(town_server, "GET /openapi.json").json()
    assert "security" not in str(without_keys)
    assert '"401"' not in str(without_keys)
