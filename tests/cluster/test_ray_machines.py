"""A cluster of several machines, which are all this one: a machine dies, or the head, while clients ask."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.front_end import GIVES_UP, NO_REPLICAS, FrontEnd, deploy, front_end_on, room_for
from tests.cluster.machines import Cluster, Machine, started_cluster
from tests.cluster.processes import wait_for
from tests.cluster.shards import ask_more, check_as_alone, replicas_in_metrics, replicas_of
from tests.end_to_end.conftest import free_port
from tests.figures import Record, record_queries, timed
from tests.service.conftest import Served, Town
from tests.service.map_versions import asking_all_the_time
from tests.service.sharding import check_nothing_lost, photo_of

VERSION = "000001"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis that keeps nothing on a disk, and yield its address."""
    if (program := shutil.which("redis-server")) is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    with (folder / "redis").open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            wait_for(lambda: "Ready to accept connections" in (folder / "redis").read_text())
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, town: Town) -> Iterator[Cluster]:
    """Start a head with its state in Redis, and two machines with a replica of each of two shards."""
    folder = tmp_path_factory.mktemp("cluster")
    with (
        redis(folder) as address,
        started_cluster(
            NO_REPLICAS,
            machines=(room_for(2), room_for(2)),
            variables={"RAY_REDIS_ADDRESS": address, GIVES_UP: "600"},
        ) as started,
    ):
        deploy(town, 2, 2, folder)
        yield started


@pytest.fixture(scope="module")
def front(cluster: Cluster, town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontEnd]:
    with front_end_on(cluster.machines[0].address, town, 2, tmp_path_factory.mktemp("front") / "log") as front:
        yield front


def wait_for_replicas(front: FrontEnd, expected: list[int]) -> None:
    wait_for(
        lambda: replicas_in_metrics(front) == expected, lambda: (replicas_in_metrics(front), front.log.read_text())
    )


@pytest.mark.parametrize("fails", [Machine.kill, Machine.hang])
def test_a_machine_that_dies_or_hangs_costs_no_query_and_gets_its_replicas_back(
    fails: Callable[[Machine], None],
    cluster: Cluster,
    front: FrontEnd,
    town: Town,
    alone: Served,
    record_property: Record,
) -> None:
    machine = cluster.machines[1]
    wait_for_replicas(front, [2, 2])
    with asking_all_the_time(front.url, photo_of(town)) as asked:
        ask_more(asked, 10)
        fails(machine)
        wait_for_replicas(front, [1, 1])
        ask_more(asked, 10)
        machine.kill()
        with timed(record_property, "replicas_with_the_machine_again_s"):
            machine.start()
            wait_for_replicas(front, [2, 2])
        ask_more(asked, 10)
    record_queries(record_property, asked.times_s, len(asked.failures))
    check_nothing_lost(asked, town, VERSION)
    assert [len(replicas_of(machine.process, shard)) for shard in (1, 2)] == [1, 1]
    check_as_alone(front, alone, town)


def test_a_head_that_dies_costs_no_query_and_repairs_again_once_it_is_back(
    cluster: Cluster, front: FrontEnd, town: Town, alone: Served, record_property: Record
) -> None:
    """A replica dies while there is no head: the head that comes back with its state starts another one."""
    wait_for_replicas(front, [2, 2])
    with asking_all_the_time(front.url, photo_of(town)) as asked:
        ask_more(asked, 10)
        cluster.head.kill()
        ask_more(asked, 10)
        [replica] = replicas_of(cluster.machines[1].process, 2)
        os.kill(replica, signal.SIGKILL)
        wait_for_replicas(front, [2, 1])
        ask_more(asked, 10)
        with timed(record_property, "replicas_with_the_head_again_s"):
            cluster.head.start()
            wait_for_replicas(front, [2, 2])
        ask_more(asked, 10)
    record_queries(record_property, asked.times_s, len(asked.failures))
    check_nothing_lost(asked, town, VERSION)
    check_as_alone(front, alone, town)
