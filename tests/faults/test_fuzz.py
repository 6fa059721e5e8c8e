"""The service refuses broken pictures with a reason, keeps nothing of them, and goes on."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from model.geo import LatLon
from model.selavpr.initialisation import seeded_network
from service import http_protocol
from service.app import create_app
from service.logs import configure_logging
from service.settings import ServiceSettings
from tests.conftest import TINY_CONFIG
from tests.faults.process_state import ProcessState, give_back_large_pieces
from tests.faults.raw_client import ask_raw
from tests.faults.upload_answers import Answer, Tally, check_answer, check_answer_to_broken_http
from tests.faults.uploads import broken_upload, request_of
from tests.logs import logging_restored
from tests.service.conftest import Town, build_town, serving
from tests.waiting import wait_until

SOME_UPLOADS, MANY_UPLOADS = 160, 20_000
SOME_REQUESTS, MANY_REQUESTS = 100, 5_000
AT_A_TIME = 4  # uploads in process
CONNECTIONS = 16
BETWEEN_PROBES = 50
GROWTH_BYTES = 100e6
STALL_S = 1.0  # after which a head or a body that does not come is given up
START_TIMEOUT_S = 60

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    give_back_large_pieces()
    positions = {f"{number}.jpg": LatLon(55.7 + 0.001 * number, 13.2) for number in range(6)}
    network = seeded_network(TINY_CONFIG, seed=7)
    town = build_town(tmp_path_factory.mktemp("town"), "town", network, positions, first_seed=100)
    with serving(ServiceSettings(maps=(town.map_path,))) as served:  # everything that a process makes once is made
        served.wait_until_ready()
    return town


@pytest.fixture
def errors_logged() -> Iterator[io.StringIO]:
    """Yield the errors in the log: there may be none, since a bad upload is not a failure of the service."""
    stream = io.StringIO()
    with logging_restored():
        configure_logging("json", "error", stream)
        yield stream


@pytest.mark.parametrize("count", [SOME_UPLOADS, pytest.param(MANY_UPLOADS, marks=pytest.mark.faults)])
def test_broken_uploads_are_answered(count: int, town: Town, tmp_path: Path, errors_logged: io.StringIO) -> None:
    before = ProcessState.now()
    tally, growth_bytes = asyncio.run(send_uploads(count, town, tmp_path))
    wait_until(lambda: not before.left_over(), before.left_over)
    assert errors_logged.getvalue() == ""
    assert growth_bytes < GROWTH_BYTES, f"{growth_bytes / 1e6:.0f} MB more"
    tell("uploads", tally, growth_bytes)


@pytest.mark.parametrize("count", [SOME_REQUESTS, pytest.param(MANY_REQUESTS, marks=pytest.mark.faults)])
def test_broken_requests_are_answered(
    count: int, town: Town, tmp_path: Path, errors_logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT_S", STALL_S)
    before = ProcessState.now()
    tally, growth_bytes = send_requests(count, town, tmp_path)
    wait_until(lambda: not before.left_over(), before.left_over)
    assert errors_logged.getvalue() == ""
    assert growth_bytes < GROWTH_BYTES, f"{growth_bytes / 1e6:.0f} MB more"
    tell("requests", tally, growth_bytes)


async def send_uploads(count: int, town: Town, folder: Path) -> tuple[Tally, int]:
    """Send the first uploads to an application in this process."""
    tally, warm = Tally(), ProcessState.now()
    numbers = iter(range(count))
    async with _application(town) as client:

        async def send_on() -> None:
            nonlocal warm
            for number in numbers:
                upload = broken_upload(number)
                kept = keep(folder, f"upload {number}", b"".join(upload.pieces))
                response = await client.post(
                    "/localize", content=_stream(upload.pieces), headers={b"Content-Type": upload.content_type}
                )
                answer = Answer(response.status_code, response.headers["Content-Type"], response.content)
                checked(check_answer, answer, f"upload {number} ({upload.kind}: {upload.content_type!r})", kept)
                tally.add(upload.kind, answer)
                if number % BETWEEN_PROBES == 0:
                    assert (await client.get("/health/ready")).status_code == 200, number
                if number == count // 4:
                    warm = ProcessState.now()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_A_TIME):
                tasks.create_task(send_on())
        for name, path in town.photos.items():
            answer_body = (await client.post("/localize", content=path.read_bytes())).json()
            assert answer_body["candidates"][0]["id"] == name
        return tally, ProcessState.now().resident_bytes - warm.resident_bytes


def send_requests(count: int, town: Town, folder: Path) -> tuple[Tally, int]:
    """Send the first requests to a server, each over a connection of its own."""
    tally = Tally()
    settings = ServiceSettings(maps=(town.map_path,), upload_timeout_s=STALL_S)
    with serving(settings) as served:
        served.wait_until_ready()

        def send(number: int) -> None:
            request = request_of(number)
            kept = keep(folder, f"request {number}", b"".join(request.pieces))
            what = f"request {number} ({request.kind})"
            try:
                answer = ask_raw(served.port, request.pieces)
            except Exception as error:
                raise AssertionError(f"{what}: no answer that is one; its bytes are in {kept}") from error
            if answer is not None:
                checked(check_answer if request.is_framed else check_answer_to_broken_http, answer, what, kept)
            else:
                assert not request.is_framed, f"{what}: closed without an answer; its bytes are in {kept}"
                kept.unlink()
            tally.add(request.kind, answer)
            if number % BETWEEN_PROBES == 0:
                assert served.client.get("/health/ready").status_code == 200, number

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for _ in pool.map(send, range(count // 4)):
                pass
            warm = ProcessState.now()
            for _ in pool.map(send, range(count // 4, count)):
                pass
        for name, path in town.photos.items():
            answer_body = served.client.post("/localize", content=path.read_bytes()).json()
            assert answer_body["candidates"][0]["id"] == name
        assert 'status="500"' not in served.client.get("/metrics").text
        return tally, ProcessState.now().resident_bytes - warm.resident_bytes


def keep(folder: Path, name: str, content: bytes) -> Path:
    """Write down the upload before it is sent, so that it is there even if the process ends."""
    path = folder / name
    path.write_bytes(content)
    return path


def checked(check: Callable[[Answer], None], answer: Answer, what: str, kept: Path) -> None:
    """Check an answer; keep the upload only if the check fails."""
    try:
        check(answer)
    except (AssertionError, KeyError, json.JSONDecodeError) as error:
        said = f"{answer.status} {answer.content_type} {answer.body[:500]!r}"
        raise AssertionError(f"{what}: {said}; its bytes are in {kept}") from error
    kept.unlink()


def tell(what: str, tally: Tally, growth_bytes: int) -> None:
    print(f"{tally.answers.total()} {what}, {growth_bytes / 1e6:.1f} MB more")  # noqa: T201
    for name, count in (*sorted(tally.broken.items()), *sorted(tally.answers.items())):
        print(f"  {count:6d} {name}")  # noqa: T201


async def _stream(pieces: tuple[bytes, ...]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@asynccontextmanager
async def _application(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(ServiceSettings(maps=(town.map_path,)))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        async with asyncio.timeout(START_TIMEOUT_S):
            while (await client.get("/health/ready")).status_code != 200:
                await asyncio.sleep(0.02)
        yield client
