"""Stopping has one budget of time: what the server needs of it, the worker does not get."""

import asyncio

import pytest
import uvicorn

from service.app import create_app
from service.grace_period import GracePeriod
from service.runtime import Runtime
from service.server import _Server, make_config
from service.settings import ServiceSettings
from tests.clock import FakeClock
from tests.service.conftest import Serve, Town
from tests.service.pictures import JPEG
from tests.service.test_overload import Gate, asking
from tests.waiting import wait_until


def test_a_period_begins_once_and_is_only_made_shorter() -> None:
    clock = FakeClock(100)
    grace = GracePeriod(30, clock)
    clock.now = 200
    assert grace.left_s == 30
    grace.begin()
    clock.now = 210
    grace.begin()
    assert grace.left_s == 20
    grace.begin(at_most_s=2)
    assert grace.left_s == 2
    clock.now = 300
    assert grace.left_s == 0


def test_the_period_begins_when_the_server_shuts_down_and_not_while_it_drains(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def do_nothing(*_: object) -> None:
        """Stub the server's own part."""

    settings = ServiceSettings(maps=(town.map_path,), shutdown_grace_s=30, drain_delay_s=5)
    app = create_app(settings)
    runtime: Runtime = app.state.runtime
    clock = FakeClock()
    monkeypatch.setattr(runtime, "grace_period", GracePeriod(settings.shutdown_grace_s, clock))
    monkeypatch.setattr(uvicorn.Server, "shutdown", do_nothing)
    server = _Server(make_config(app, settings), runtime)
    runtime.begin_draining()
    clock.now = 5
    assert runtime.grace_period.left_s == 30
    asyncio.run(server.shutdown())
    clock.now = 15
    assert runtime.grace_period.left_s == 20


@pytest.mark.parametrize(("used_s", "left_s"), [(0, 30), (20, 10), (30, 0), (40, 0)])
def test_the_worker_gets_what_the_server_has_left(
    used_s: float, left_s: float, town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(town, shutdown_grace_s=30)
    runtime, worker = served.runtime, served.runtime._worker
    clock = FakeClock()
    grace = GracePeriod(30, clock)
    monkeypatch.setattr(runtime, "grace_period", grace)
    timeouts_s: list[float] = []
    stop = worker.stop

    def stop_at_once(timeout_s: float) -> bool:
        timeouts_s.append(timeout_s)
        return stop(0)

    monkeypatch.setattr(worker, "stop", stop_at_once)
    gate = Gate(runtime.engine, monkeypatch)
    with asking(served) as ask:
        answer = ask(JPEG)
        wait_until(lambda: gate.batches == [1])
        grace.begin()
        clock.now = used_s
        runtime.stop()  # the worker is busy, and is not waited for any longer
        assert timeouts_s == [left_s]
        gate.is_open.set()
        answer.result(60)
    monkeypatch.undo()
