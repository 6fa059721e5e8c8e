"""A front end asks shards in Ray Serve: the answers are those of one machine, whatever is killed on the way."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from service.ray_config import addresses_of, serve_config
from service.settings import ServiceSettings
from tests.cluster.processes import wait_for
from tests.service.conftest import Served, Town, serving
from tests.service.sharding import judged_town, serve_front
from tests.service.test_http_shards import ALL, NEAR, answer_of


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return judged_town(tmp_path_factory.mktemp("judged"))


@contextmanager
def deployed(town: Town, shards: int, replicas: int) -> Iterator[list[str]]:
    """Have Serve run the shards of a town, as from the file that ``placefix cluster config`` prints."""
    from ray import serve
    from ray.serve.context import _get_global_client
    from ray.serve.schema import ServeDeploySchema

    config = serve_config([town.map_path], shards, replicas, name="town", cpus=0.2, is_pinned=False)
    serve.start(proxy_location="Disabled")
    _get_global_client().deploy_apps(ServeDeploySchema.model_validate(config))
    wait_for(lambda: are_running(shards, replicas), serve.status)
    try:
        yield addresses_of("town", shards)
    finally:
        serve.shutdown()


def are_running(shards: int, replicas: int) -> bool:
    from ray import serve

    applications = serve.status().applications.values()
    assert not [each.message for each in applications if each.status in ("DEPLOY_FAILED", "UNHEALTHY")]
    return shards * [replicas] == [
        each.deployments["shard"].replica_states.get("RUNNING", 0) for each in applications if each.deployments
    ]


@pytest.fixture(scope="module")
def alone(judged: Town) -> Iterator[Served]:
    with serving(ServiceSettings(maps=(judged.map_path,))) as served:
        served.wait_until_ready()
        yield served


ASKED: list[dict[str, str]] = [
    {"rerank": "false", **ALL},
    {"rerank": "true", **ALL},
    {"rerank": "auto", **ALL},
    {"rerank": "auto", "candidates": "2", "shortlist": "3", **NEAR, "heading": "40"},
    {"near": "0,0"},
    {"evidence": "matches", "rerank": "true", "candidates": "1", "shortlist": "12"},
]


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("shards", [1, 2, 3])
def test_a_front_end_answers_as_one_machine(shards: int, judged: Town, alone: Served) -> None:
    with ExitStack() as stack:
        urls = stack.enter_context(deployed(judged, shards, replicas=1))
        front = serve_front(stack, judged, urls)
        front.wait_until_ready()
        for photo in list(judged.photos.values())[::4]:
            for fields in ASKED:
                assert answer_of(front, [photo], fields) == answer_of(alone, [photo], fields)
