"""A server under more load than it can bear, asked very often, and stopped in the midst of it.

``make faults`` runs the long trials, for which the server has a core of its own.
"""

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import httpx
import pytest

from benchmarks.load.cores import SERVER_CORE, take_client_core
from benchmarks.load.endurance import measure_endurance
from benchmarks.load.generator import Outcome, closed_loop, open_loop
from benchmarks.load.minimal_map import LoadMap, load_map_for
from benchmarks.load.overload import BATCH_SIZE, QUEUE_SIZE, Overload, measure_overload
from benchmarks.load.server import Server, serving

MEGABYTE = 1_000_000


@pytest.fixture(scope="module", params=["minimal"])
def load_map(request: pytest.FixtureRequest) -> Iterator[LoadMap]:
    """Return a map of small pictures: the tests look at the server, and not at its arithmetic."""
    with load_map_for(request.param, size=(112, 112)) as made:
        yield made


@pytest.fixture
def whole_map(request: pytest.FixtureRequest) -> Iterator[LoadMap]:
    """Use pictures of the size that the networks were made for, as ``python -m benchmarks overload`` does."""
    with load_map_for(request.param) as made:
        yield made


@pytest.fixture
def client_core() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    take_client_core()
    yield
    os.sched_setaffinity(0, before)


def overload_of(load_map: LoadMap, seconds: float, core: int | None, warm_up_s: float = 16) -> Overload:
    settings = load_map.settings(max_batch_size=BATCH_SIZE, queue_size=QUEUE_SIZE)
    with serving(load_map.path, core, settings) as server:
        return measure_overload(server, load_map, seconds, warm_up_s=warm_up_s)


def check_nothing_is_lost_or_mixed(found: Overload) -> None:
    assert (found.lost, found.wrong, found.not_ready) == (0, 0, 0), found
    assert found.answered + found.refused == found.sent
    assert found.refused > 0
    assert found.answered > 0
    assert found.deepest_queue <= QUEUE_SIZE


def test_overload_loses_and_mixes_nothing(load_map: LoadMap) -> None:
    check_nothing_is_lost_or_mixed(overload_of(load_map, seconds=2, core=None, warm_up_s=2))


@pytest.mark.faults
@pytest.mark.usefixtures("client_core")
@pytest.mark.parametrize("whole_map", ["minimal", "demo"], indirect=True)
def test_two_minutes_of_overload(whole_map: LoadMap) -> None:
    """Check order and counts, which no machine is too slow for; ``benchmarks overload`` tells the times."""
    found = overload_of(whole_map, seconds=120, core=SERVER_CORE)
    check_nothing_is_lost_or_mixed(found)
    # Refusals and figures do not queue behind pictures.
    assert found.refused_p99_ms < found.admitted_p50_ms, found
    assert found.metrics_p99_ms < found.admitted_p50_ms, found
    assert found.grown_bytes < 100 * MEGABYTE, found


def test_a_thousand_requests_leave_nothing(load_map: LoadMap) -> None:
    check_nothing_is_left(load_map, requests=1000, core=None)


@pytest.mark.faults
@pytest.mark.usefixtures("client_core")
def test_twenty_thousand_requests_leave_nothing(load_map: LoadMap) -> None:
    check_nothing_is_left(load_map, requests=20_000, core=SERVER_CORE)


def check_nothing_is_left(load_map: LoadMap, requests: int, core: int | None) -> None:
    with serving(load_map.path, core, load_map.settings()) as server:
        found = measure_endurance(server, load_map, requests)
    assert found.requests >= requests
    assert found.failed == 0, found
    assert found.grown_bytes < 10 * MEGABYTE, found  # less than a query's body for every ten thousand
    assert found.grown_files <= 0
    assert found.grown_threads <= 0


async def _ask_until_told(
    server: Server, load_map: LoadMap, rate: float, seconds: float, told_after_s: float
) -> tuple[Outcome, float, list[int]]:
    """Ask without a pause, and send SIGTERM meanwhile; return also its time, and the readiness just after it."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/health/ready")).status_code == 200
        asking = asyncio.create_task(open_loop(server.url, load_map.pictures, rate, seconds))
        await asyncio.sleep(told_after_s)
        server.process.send_signal(signal.SIGTERM)
        told_at = time.perf_counter()
        await asyncio.sleep(0.05)
        ready = [(await client.get("/health/ready")).status_code for _ in range(3)]
        return await asking, told_at, ready


@pytest.mark.parametrize("share", [0.3, 3.0], ids=["at ease", "overloaded"])
def test_sigterm_under_load_answers_what_it_took_and_nothing_is_an_error(load_map: LoadMap, share: float) -> None:
    drain_s = 2.0
    settings = load_map.settings(drain_delay_s=drain_s)
    with serving(load_map.path, None, settings) as server:
        capacity = asyncio.run(closed_loop(server.url, load_map.pictures, 16, 1)).answered_a_second
        outcome, told_at, ready = asyncio.run(
            _ask_until_told(server, load_map, share * capacity, seconds=5, told_after_s=1.0)
        )
        assert server.process.wait(30) == 0
    assert ready == [503, 503, 503]  # queries are answered nevertheless:
    taken = {status for due, status in outcome.asked if due < told_at + drain_s - 0.3}
    drained = {status for due, status in outcome.asked if told_at < due < told_at + drain_s - 0.3}
    assert 200 in drained
    assert taken <= ({200, 503} if share > 1 else {200})  # 503: there is too much, before as after
    assert outcome.wrong == 0
    assert all(status in ((0, 200, 503) if share > 1 else (0, 200)) for _, status in outcome.asked)
    late = {status for due, status in outcome.asked if due > told_at + drain_s + 1}
    assert late <= {0}  # nobody listens any more
