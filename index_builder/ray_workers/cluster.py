"""The cluster of Ray: joined, or started on this machine for the time of a build. Ray is imported when it is used."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from index_builder.errors import ClusterError
from model.errors import InvalidInput

_OBJECT_STORE_BYTES = 128 * 2**20  # tasks and reports alone travel
_OF_OWN_CLUSTER = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # Ray would run workers at 15: behind all else
}
_ONE_TRY_TO_JOIN = ("RAY_NUM_REDIS_GET_RETRIES", "1")  # each try takes 40 s, and Ray would make 20
_LOOPBACK = "127.0.0.2"  # Ray replaces 127.0.0.1 by the address of the machine


@dataclass(frozen=True)
class WorkerNeeds:
    """State the number of workers of a build, and the threads and GPUs of each.

    Attributes:
        workers: The number of workers; None takes as many as the cluster has room for.
        threads: Threads of each.
        gpus: GPUs of each; a share, such as 0.5, lets several use one.

    Raises:
        InvalidInput: A value is out of range.
    """

    workers: int | None = None
    threads: int = 1
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if (self.workers is not None and self.workers < 1) or self.threads < 1 or self.gpus < 0:
            raise InvalidInput("a build takes at least one worker, with at least one thread and not less than no GPU")


def load_ray() -> Any:
    """Import Ray, and return it.

    Raises:
        InvalidInput: It is not installed.
    """
    try:
        import ray  # noqa: PLC0415  (an extra; the import takes a second)
    except ImportError as error:
        raise InvalidInput(
            "the engine ray needs Ray, which is not installed: pip install 'placefix[cluster]', on every machine"
        ) from error
    return ray


@contextmanager
def ray_cluster(needs: WorkerNeeds) -> Iterator[None]:
    """Join the cluster that ``RAY_ADDRESS`` names, or start one on this machine for the block.

    A process that has joined a cluster already stays in it.

    Raises:
        InvalidInput: Ray is not installed.
        ClusterError: The cluster cannot be joined.
    """
    address = os.environ.get("RAY_ADDRESS")
    if address:
        os.environ.setdefault(*_ONE_TRY_TO_JOIN)  # it is read by the import
    ray = load_ray()
    if ray.is_initialized():
        yield
        return
    options: dict[str, Any] = {"address": address}
    if not address:
        for name, value in _OF_OWN_CLUSTER.items():
            os.environ.setdefault(name, value)
        cores = max(os.cpu_count() or 1, (needs.workers or 1) * needs.threads)
        options = {
            "address": "local",
            "num_cpus": cores,
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
        }
        if sys.platform == "linux":
            options["_node_ip_address"] = _LOOPBACK
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises bare ones, too
        where = f"at {address} (RAY_ADDRESS)" if address else "on this machine"
        raise ClusterError(
            f"no cluster of Ray can be used {where}: {error}. Address, version of Ray, version of Python and token "
            "(RAY_AUTH_MODE, RAY_AUTH_TOKEN) have to equal the cluster's; on a busy machine, try once more"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()
        signal.signal(signal.SIGTERM, on_sigterm)


def find_room(resources: dict[str, float], needs: WorkerNeeds) -> int:
    """Return the number of workers, for the cores and GPUs that a cluster has.

    Raises:
        ClusterError: They do not suffice.
    """
    cores, gpus = resources.get("CPU", 0), resources.get("GPU", 0)
    room = int(cores // needs.threads)
    if needs.gpus:
        room = min(room, int(gpus / needs.gpus + 1e-6))
    if room < (needs.workers or 1):
        raise ClusterError(
            f"the cluster has {cores:g} cores and {gpus:g} GPUs, room for {room} workers of {needs.threads} threads "
            f"and {needs.gpus:g} GPUs; {needs.workers or 1} workers were requested. Give fewer --workers, or add "
            "machines first"
        )
    return needs.workers or room
