"""The composed containers, for real: built, asked, watched, stopped. Needs a Docker engine, and some minutes."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from demo.shipped import SHIPPED

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Composed:
    """A project of its own, on free ports."""

    command: tuple[str, ...]
    environment: dict[str, str]
    service: str
    prometheus: str

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self.command, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def inspect(self, name: str) -> dict[str, Any]:
        (identifier,) = self.run("ps", "--all", "--quiet", name).split()
        done = subprocess.run(["docker", "inspect", identifier], capture_output=True, text=True, check=True)
        return dict(json.loads(done.stdout)[0])

    def wait_until_healthy(self, name: str) -> None:
        wait_for(lambda: self.inspect(name)["State"]["Health"]["Status"] == "healthy", f"{name} is healthy")

    def query(self, expression: str) -> list[dict[str, Any]]:
        address = f"{self.prometheus}/api/v1/query?{urlencode({'query': expression})}"
        return list(httpx.get(address).raise_for_status().json()["data"]["result"])


def wait_for(is_true: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < deadline_s, f"waited {PATIENCE_S:.0f} s in vain until {what}"
        time.sleep(0.5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def does_succeed(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def compose_command() -> tuple[str, ...]:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("there is no Docker engine")
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return ("docker", "compose")
    if shutil.which("docker-compose") is None:
        pytest.skip("there is neither `docker compose` nor docker-compose")
    return ("docker-compose",)


@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    service, prometheus = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLACEFIX_")}
    project = Composed(
        (*compose_command(), "--project-name", f"placefix-test-{uuid4().hex[:8]}"),
        {**environment, "PLACEFIX_PUBLISH": service, "PROMETHEUS_PUBLISH": prometheus},
        f"http://{service}",
        f"http://{prometheus}",
    )
    try:
        project.run("up", "--detach", "--build")
        project.wait_until_healthy("localizer")
        project.wait_until_healthy("prometheus")
        yield project
    finally:
        project.run("down", "--volumes")


def localize(composed: Composed) -> dict[str, Any]:
    """Asks with a picture of the map."""
    picture = sorted(SHIPPED.database.glob("*.jpg"))[5]
    response = httpx.post(f"{composed.service}/localize", files={"image": picture.read_bytes()}, timeout=PATIENCE_S)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert answer["candidates"][0]["id"] == picture.name
    return answer


def test_picture_of_the_map_is_found_and_counted(composed: Composed) -> None:
    before = composed.query('sum(placefix_requests_total{route="/localize", status="200"}) or vector(0)')
    answer = localize(composed)
    # Stored in half precision: nearly all of its 3,721 local features match, if not all.
    assert answer["candidates"][0]["mutual_matches"] > 3500
    count = float(before[0]["value"][1])

    def is_counted() -> bool:
        found = composed.query('placefix_request_duration_seconds_bucket{route="/localize", le="+Inf"}')
        return bool(found) and float(found[0]["value"][1]) == count + 1

    wait_for(is_counted, "Prometheus has the query in its latency histogram")
    assert composed.query('placefix_map_info{map="demo"}')[0]["value"][1] == "1"
    assert composed.query('up{job="placefix"}')[0]["value"][1] == "1"


def test_samples_are_offered_and_the_score_is_printed(composed: Composed) -> None:
    samples = httpx.get(f"{composed.service}/samples").raise_for_status().json()["samples"]
    assert len(samples) == 60
    asked = ("run", "--rm", "--entrypoint", "python", "placefix", "-m", "demo", "check", "--url")
    assert "night" in composed.run(*asked, "http://localizer:8000")


def test_server_can_write_nothing_and_has_no_rights(composed: Composed) -> None:
    script = "id -u; touch /tmp/x && echo tmp; touch /x /data/x /opt/placefix/x 2>&1; cat /proc/1/status"
    printed = composed.run("exec", "-T", "localizer", "sh", "-c", script)
    assert printed.startswith("10001\ntmp\n")
    assert printed.count("Read-only file system") == 3
    assert "CapEff:\t0000000000000000" in printed
    assert "NoNewPrivs:\t1" in printed


def test_stop_is_clean_and_the_next_start_keeps_the_map(composed: Composed) -> None:
    composed.run("stop", "localizer")
    assert composed.inspect("localizer")["State"]["ExitCode"] == 0
    composed.run("up", "--detach")
    composed.wait_until_healthy("localizer")
    assert "nothing to do" in composed.run("logs", "demo")
    localize(composed)


def test_tools_verify_the_map_in_the_volume(composed: Composed) -> None:
    assert "good" in composed.run("run", "--rm", "placefix", "verify", "/data/demo/maps/demo")
