"""All tests of this folder carry the marker ``cluster``; without Ray they are skipped."""

import importlib.util
import re
import secrets
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from index_builder.ray_workers.cluster import WorkerNeeds, ray_cluster
from tests.cluster.processes import wait_for

HERE = Path(__file__).parent

_ADDRESS = re.compile(r"--address='([^']+)'")
_MOST_STARTS = 5


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ray_is_missing = importlib.util.find_spec("ray") is None
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.cluster)
            if ray_is_missing:
                item.add_marker(pytest.mark.skip(reason="Ray is not installed: make cluster"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Start a cluster as on a machine of its own, join it by RAY_ADDRESS, and yield the process that holds it."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--node-ip-address=127.0.0.2"]
    options = ["--port=0", "--num-cpus=3", "--num-gpus=0", "--include-dashboard=false", "--disable-usage-stats"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # else they wait for all that this process does
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))  # Ray makes none for a head in this mode
        with _head([*command, *options], tmp_path_factory.mktemp("ray") / "said") as (head, address):
            patch.setenv("RAY_ADDRESS", address)
            _import_serve()
            with ray_cluster(WorkerNeeds()):
                yield head


@contextmanager
def _head(command: list[str], said: Path) -> Iterator[tuple[int, str]]:
    """Start the head, and give its process and address; on a busy machine Ray gives up after 30 s, so try again."""
    for _ in range(_MOST_STARTS):
        with said.open("w") as file:
            head = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            wait_for(lambda: head.poll() is not None or _ADDRESS.search(said.read_text()), said.read_text)  # noqa: B023
            if (address := _ADDRESS.search(said.read_text())) is not None and head.poll() is None:
                yield head.pid, address[1]
                return
        finally:
            head.terminate()
            head.wait()
    pytest.fail(f"Ray does not start: {said.read_text()}")


def _import_serve() -> None:
    """Import Ray Serve without the warnings that its own code causes."""
    with warnings.catch_warnings(action="ignore"):
        importlib.import_module("ray.serve.schema")
