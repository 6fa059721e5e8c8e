"""Composed containers: a project of its own, on free ports, that is taken down with its volumes at the end."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from demo.shipped import SHIPPED

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90.0
IMAGES = {
    "BASE_IMAGE": "python:3.11-slim-bookworm",
    "PROMETHEUS_IMAGE": "prom/prometheus:latest",
    "GRAFANA_IMAGE": "grafana/grafana:latest",
}
"""What the tests take instead of the pinned images, since a machine without a registry may have these, or stand-ins of
their names; the environment may name others."""

PICTURE = sorted(SHIPPED.database.glob("*.jpg"))[5]  # a picture of the map


@dataclass(frozen=True)
class Composed:
    """Hold a project.

    Attributes:
        command: Compose, with its files and the project's name.
        environment: The environment of compose.
        service: Where the localizer listens on this machine.
        prometheus: Where Prometheus does.
        grafana: Where Grafana does, if it is started.
    """

    command: tuple[str, ...]
    environment: dict[str, str]
    service: str
    prometheus: str
    grafana: str

    def run(self, *arguments: str) -> str:
        return succeed(*self.command, *arguments, environment=self.environment)

    def identifier(self, name: str) -> str:
        (found,) = self.run("ps", "--all", "--quiet", name).split()
        return found

    def execute(self, name: str, *command: str, given: bytes = b"") -> str:
        """Run a command in the container of a service; return its output."""
        return succeed("docker", "exec", "--interactive", self.identifier(name), *command, given=given)

    def inspect(self, name: str) -> dict[str, Any]:
        return dict(json.loads(succeed("docker", "inspect", self.identifier(name)))[0])

    def exit_codes(self, name: str, since_s: float) -> list[int]:
        """Return the exit codes of a container from a moment on, on the clock of ``time.time``."""
        filters = ("--filter", f"container={self.identifier(name)}", "--filter", "event=die")
        span = ("--since", f"{since_s:.3f}", "--until", f"{time.time():.3f}")
        printed = succeed("docker", "events", *filters, *span, "--format", "{{json .Actor.Attributes.exitCode}}")
        return [int(json.loads(line)) for line in printed.splitlines()]

    def wait_until_healthy(self, name: str, patience_s: float = PATIENCE_S) -> None:
        wait_for(
            lambda: self.inspect(name)["State"]["Health"]["Status"] == "healthy",
            f"{name} is healthy",
            patience_s=patience_s,
        )

    def ask_prometheus(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of its API."""
        answer = httpx.get(f"{self.prometheus}/api/v1/{path}?{urlencode(parameters)}", trust_env=False)
        return answer.raise_for_status().json()["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        return list(self.ask_prometheus("query", query=expression)["result"])

    def localize(self, picture: Path = PICTURE, rerank: str = "true") -> httpx.Response:
        """Ask with a picture of the map, and for matches of all candidates, unless told otherwise."""
        files, asked = {"image": picture.read_bytes()}, {"rerank": rerank}
        return httpx.post(f"{self.service}/localize", files=files, params=asked, timeout=PATIENCE_S, trust_env=False)


def succeed(*command: str, given: bytes = b"", environment: dict[str, str] | None = None) -> str:
    """Run a command that must not fail; return its output, standard error included."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    printed = done.stdout.decode()
    assert done.returncode == 0, f"{command}\n{printed[-6000:]}"
    return printed


def wait_for(is_true: Callable[[], bool], what: str, interval_s: float = 0.5, patience_s: float = PATIENCE_S) -> None:
    deadline_s = time.monotonic() + patience_s
    while not is_true():
        assert time.monotonic() < deadline_s, f"waited {patience_s:.0f} s in vain until {what}"
        time.sleep(interval_s)


def check_found(answer: httpx.Response, picture: Path = PICTURE) -> dict[str, Any]:
    """Return the answer to a picture of the map, which must be found."""
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["candidates"][0]["id"] == picture.name
    return found


@contextmanager
def composing(
    *overlays: Path,
    base: Path = ROOT / "docker-compose.yml",
    env_file: Path | None = None,
    photos: Path | None = None,
) -> Iterator[Composed]:
    """Yield a project of the demo, or of photos. Nothing of it is started, and it is removed when the block ends."""
    port = _free_port()
    prometheus, grafana = (f"127.0.0.1:{_free_port()}" for _ in range(2))
    environment = IMAGES | {name: value for name, value in os.environ.items() if not name.startswith("PLACEFIX_")}
    environment["PHOTOS"] = "" if photos is None else str(photos)
    environment["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # the cluster alone reads it
    environment |= {"PLACEFIX_PORT": str(port), "PROMETHEUS_PUBLISH": prometheus, "GRAFANA_PUBLISH": grafana}
    files = [argument for path in (base, *overlays) for argument in ("--file", str(path))]
    files += [] if env_file is None else ["--env-file", str(env_file)]
    command = (*_compose_command(), *files, "--project-name", f"placefix-test-{uuid4().hex[:8]}")
    published = (f"http://{address}" for address in (f"127.0.0.1:{port}", prometheus, grafana))
    project = Composed(command, environment, *published)
    try:
        yield project
    finally:
        project.run("--profile", "grafana", "down", "--volumes")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _does_succeed(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _compose_command() -> tuple[str, ...]:
    if not _does_succeed("docker", "info"):
        pytest.skip("there is no Docker engine")
    for command in (("docker", "compose"), ("docker-compose",)):
        if _does_succeed(*command, "version"):
            return command
    pytest.skip("there is neither `docker compose` nor docker-compose")
