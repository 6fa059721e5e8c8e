"""A worker that dies or hangs in its container: nobody waits for it, and the container is started again."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.docker.alerts import labels_of, wait_for_state
from tests.docker.composed import Composed, check_found, composing, wait_for
from tests.docker.rights import IN_MEMORY
from tests.faults.readiness import Readiness

pytestmark = pytest.mark.docker

STUCK_AFTER_S = 5.0  # as in broken-worker.yml
NOT_READY_WITHIN_S = 2.0
QUERIES = 4


@pytest.fixture(scope="module")
def breakable() -> Iterator[Composed]:
    with composing(Path(__file__).with_name("broken-worker.yml")) as project:
        project.run("up", "--detach", "--build", "localizer", "prometheus")
        project.wait_until_healthy("localizer")
        yield project


def wait_until_back(breakable: Composed, readiness: Readiness, restarts: int) -> None:
    wait_for(lambda: breakable.inspect("localizer")["RestartCount"] == restarts + 1, "the container is started again")
    wait_for(lambda: readiness.status == 200, "the service is ready again")


def start_time_s(breakable: Composed) -> float:
    """Return the start of the service that Prometheus saw last; 0 if it has seen none."""
    found = breakable.query('process_start_time_seconds{job="placefix"}')
    return float(found[0]["value"][1]) if found else 0.0


def wait_for_start_after(breakable: Composed, started_at: float) -> float:
    wait_for(lambda: start_time_s(breakable) > started_at, "Prometheus sees the service that was started again")
    return start_time_s(breakable)


def kill_process(breakable: Composed) -> None:
    restarts = breakable.inspect("localizer")["RestartCount"]
    breakable.execute("localizer", "touch", f"{IN_MEMORY}/process-killed")
    began_at = time.time()
    with Readiness(breakable.service) as readiness:
        asked_at = time.monotonic()
        with pytest.raises(httpx.TransportError):
            breakable.localize()
        wait_until_back(breakable, readiness, restarts)
    assert readiness.not_ready_at(asked_at) - asked_at < NOT_READY_WITHIN_S
    assert breakable.exit_codes("localizer", began_at) == [137]
    check_found(breakable.localize())


@pytest.mark.parametrize(("fault", "shows_after_s"), [("killed", 0.0), ("hung", STUCK_AFTER_S)])
def test_broken_worker_is_told_of_and_the_container_started_again(
    fault: str, shows_after_s: float, breakable: Composed
) -> None:
    check_found(breakable.localize())
    restarts = breakable.inspect("localizer")["RestartCount"]
    breakable.execute("localizer", "touch", f"{IN_MEMORY}/{fault}")
    began_at = time.time()
    with Readiness(breakable.service) as readiness:
        asked_at = time.monotonic()
        with ThreadPoolExecutor(QUERIES) as pool:
            answers = list(pool.map(lambda _: breakable.localize(), range(QUERIES)))
        wait_until_back(breakable, readiness, restarts)
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, "not_ready")] * QUERIES
    # The fault comes after the asking, so this is the stricter way to count.
    assert readiness.not_ready_at(asked_at) - asked_at < shows_after_s + NOT_READY_WITHIN_S
    assert readiness.statuses(asked_at).count(200) == 2  # before and after, and never between
    (exit_code,) = breakable.exit_codes("localizer", began_at)
    assert exit_code > 0
    check_found(breakable.localize())


def test_killed_process_is_started_again_and_often_killed_raises_an_alert(breakable: Composed) -> None:
    started_at = wait_for_start_after(breakable, 0.0)
    for _ in range(2):
        kill_process(breakable)
        started_at = wait_for_start_after(breakable, started_at)
    wait_for_state(breakable, "PlacefixRestarting", "firing")
    assert labels_of(breakable, "PlacefixRestarting")["severity"] == "warning"
