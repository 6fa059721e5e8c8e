"""A front end in a process of its own, on a machine of a cluster, and the shards that it asks."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from service.ray_config import addresses_of
from tests.child_processes import Program
from tests.cluster.processes import wait_for
from tests.cluster.shards import NONE_WATCHED
from tests.end_to_end.conftest import free_port
from tests.service.conftest import Town

NO_REPLICAS = "--num-cpus=0"
GIVES_UP = "RAY_gcs_rpc_server_reconnect_timeout_s"  # how long Ray's processes live on without a head


def room_for(shards: int) -> tuple[str, ...]:
    """Return the options of a machine with room for one replica of each shard."""
    resources = ", ".join(f'"shard-{number}": 1' for number in range(1, shards + 1))
    return ("--num-cpus=2", f"--resources={{{resources}}}")


@dataclass(frozen=True)
class FrontEnd:
    """Hold a front end that runs in a process of its own, since Ray may end it.

    Attributes:
        client: A client bound to its address.
        url: Its address.
        process: The process.
        log: The file of its output.
    """

    client: httpx.Client
    url: str
    process: Program
    log: Path

    def wait_until_ready(self) -> None:
        wait_for(self._is_ready_or_gone, self.log.read_text)
        assert self.process.poll() is None, self.log.read_text()

    def _is_ready_or_gone(self) -> bool:
        if self.process.poll() is not None:
            return True
        try:
            return self.client.get("/health/ready").status_code == 200
        except httpx.TransportError:  # it does not listen yet
            return False


def join(machine: str) -> None:
    """Join the cluster as a process of a machine; Ray would choose the head, whose processes are here, too."""
    import ray

    ray.init(_node_ip_address=machine, log_to_driver=False)


def variables_of(shards: int) -> dict[str, str]:
    """Return the environment of a front end."""
    return {name: value for name, value in os.environ.items() if name.startswith("RAY_")} | {
        "PLACEFIX_SHARDS": ",".join(addresses_of("town", shards)),
        "PLACEFIX_WATCH_INTERVAL_S": str(NONE_WATCHED),
    }


@contextmanager
def front_end_on(machine: str, town: Town, shards: int, log: Path) -> Iterator[FrontEnd]:
    """Serve a town on a machine of the cluster until the block ends; yield once the shards have been found."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    serve = ("serve", "--map", town.map_path, "--port", port)
    with (
        Program(*serve, output=log, environment=variables_of(shards), prepare=partial(join, machine)) as process,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        front = FrontEnd(client, url, process, log)
        front.wait_until_ready()
        yield front


def deploy(town: Town, shards: int, replicas: int, folder: Path) -> None:
    """Have Serve run the shards of a town, by the commands of docs/scale.md."""
    numbers = ("--shards", str(shards), "--replicas", str(replicas), "--cpus", "0.2")
    asked = ("cluster", "config", "--map", str(town.map_path), *numbers, "--name", "town", "--pinned")
    config = folder / "serve.yaml"
    config.write_text(run(sys.executable, "-m", "placefix", *asked))
    run(str(Path(sys.executable).with_name("serve")), "run", "--non-blocking", str(config))


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
