"""All tests of this folder carry the marker ``cluster``; without Ray they are skipped."""

import importlib.util
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from index_builder.ray_workers.cluster import WorkerNeeds, ray_cluster
from service.settings import ServiceSettings
from tests.cluster.machines import started_cluster
from tests.cluster.shards import NONE_WATCHED
from tests.service.conftest import Served, Town, serving
from tests.service.sharding import judged_town_of_two_versions

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ray_is_missing = importlib.util.find_spec("ray") is None
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.cluster)
            if ray_is_missing:
                item.add_marker(pytest.mark.skip(reason="Ray is not installed: make cluster"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[int]:
    """Start a cluster as on a machine of its own, join it by RAY_ADDRESS, and yield the process that holds it."""
    with started_cluster("--num-cpus=3", "--num-gpus=0") as started:
        _import_serve()
        with ray_cluster(WorkerNeeds()):
            yield started.head.process


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return judged_town_of_two_versions(tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="session")
def alone(town: Town) -> Iterator[Served]:
    """Serve the whole town by one server, with which shards are compared."""
    with serving(ServiceSettings(maps=(town.map_path,), watch_interval_s=NONE_WATCHED)) as served:
        served.wait_until_ready()
        yield served


def _import_serve() -> None:
    """Import Ray Serve without the warnings that its own code causes."""
    with warnings.catch_warnings(action="ignore"):
        importlib.import_module("ray.serve.schema")
