"""The composed cluster: replicas that are killed under load cost no query, and Prometheus sees each of its machines."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest

from tests.docker.composed import ROOT, Composed, check_found, composing, succeed, wait_for
from tests.figures import Record, record_queries, timed

pytestmark = pytest.mark.docker

CLIENTS = 4
SEVERAL = 100
STARTS_WITHIN_S = 600.0
NODES = ("head", "shard-1a", "shard-1b", "shard-2a", "shard-2b", "localizer")
KILL_REPLICA = """
import os, pathlib, signal
titles = {path.parent.name: path.read_bytes() for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")}
[replica] = [number for number, title in titles.items() if title.startswith(b"ray::ServeReplica")]
os.kill(int(replica), signal.SIGKILL)
"""


@dataclass
class Asked:
    """Hold the answers of clients that asked all the time.

    Attributes:
        times_s: The seconds of each query that ended.
        failures: The errors among them, with status and body.
        answers: The different lists of candidates, with their matches.
    """

    times_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    answers: set[str] = field(default_factory=set)


@contextmanager
def asking(cluster: Composed) -> Iterator[Asked]:
    """Ask from several clients while the block lasts."""
    asked, lock, is_over = Asked(), threading.Lock(), threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            began_at = time.monotonic()
            try:
                response = cluster.localize(rerank="false")
                failure = None if response.status_code == 200 else f"{response.status_code} {response.text}"
            except httpx.TransportError as error:
                failure = repr(error)
            with lock:
                asked.times_s.append(time.monotonic() - began_at)
                if failure is None:
                    asked.answers.add(str(response.json()["candidates"]))
                else:
                    asked.failures.append(failure)

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield asked
    finally:
        is_over.set()
        for client in clients:
            client.join()


def wait_for_more(asked: Asked, count: int = SEVERAL) -> None:
    so_far = len(asked.times_s)
    wait_for(
        lambda: len(asked.times_s) >= so_far + count, f"{count} more queries are answered", patience_s=STARTS_WITHIN_S
    )


def wait_for_replicas(cluster: Composed, expected: list[int]) -> None:
    def found() -> list[int]:
        lines = httpx.get(f"{cluster.service}/metrics", trust_env=False).raise_for_status().text.splitlines()
        return [int(float(line.split()[1])) for line in lines if line.startswith("placefix_shard_replicas{")]

    wait_for(lambda: found() == expected, f"the shards have {expected} replicas", patience_s=STARTS_WITHIN_S)


def has_started(cluster: Composed, machine: str) -> bool:
    return "Ray runtime started" in cluster.run("logs", machine)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Composed]:
    with composing(base=ROOT / "docker-compose.cluster.yml") as project:
        project.run("up", "--detach", "--build", "prometheus", "head")
        # One after the other, because Ray gives up after 30 s, in which each machine loads all its programs.
        for machine in NODES:
            project.run("up", "--detach", machine)
            wait_for(
                partial(has_started, project, machine), f"Ray has started on {machine}", patience_s=STARTS_WITHIN_S
            )
        project.wait_until_healthy("localizer", patience_s=STARTS_WITHIN_S)
        wait_for_replicas(project, [2, 2])
        yield project


def test_prometheus_reads_the_front_end_and_each_machine(cluster: Composed) -> None:
    check_found(cluster.localize())

    def health() -> dict[tuple[str, str], str]:
        targets = cluster.ask_prometheus("targets")["activeTargets"]
        return {(each["labels"]["job"], each["labels"]["instance"]): each["health"] for each in targets}

    wait_for(lambda: set(health().values()) == {"up"}, "all targets of Prometheus are up")
    rays = {("ray", f"{node}:8080") for node in NODES}
    assert set(health()) == {("placefix", "localizer:8000"), ("prometheus", "127.0.0.1:9090")} | rays
    wait_for(lambda: len(cluster.query("ray_serve_deployment_replica_healthy == 1")) == 4, "Ray tells of each replica")
    assert {each["value"][1] for each in cluster.query("placefix_shard_replicas")} == {"2"}


def test_replicas_that_are_killed_under_load_cost_no_query(cluster: Composed, record_property: Record) -> None:
    """First a container with a replica is killed, and started again; then a replica alone, which Serve starts again."""
    wait_for_replicas(cluster, [2, 2])
    with asking(cluster) as asked:
        wait_for_more(asked)
        succeed("docker", "kill", "--signal", "KILL", cluster.identifier("shard-1a"))
        wait_for_replicas(cluster, [1, 2])
        wait_for_more(asked)
        with timed(record_property, "replicas_with_the_container_again_s"):
            cluster.run("start", "shard-1a")
            wait_for_replicas(cluster, [2, 2])
        wait_for_more(asked)
        with timed(record_property, "replicas_again_s"):
            cluster.execute("shard-2b", "python", "-c", KILL_REPLICA)
            wait_for_replicas(cluster, [2, 1])
            wait_for_replicas(cluster, [2, 2])
        wait_for_more(asked)
    record_queries(record_property, asked.times_s, len(asked.failures))
    assert asked.failures == []
    assert len(asked.answers) == 1
