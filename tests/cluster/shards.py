"""Ask front ends and replicas of shards on Ray Serve, and compare their answers with those of one machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.ray_config import addresses_of, serve_config
from tests.cluster.processes import below, wait_for
from tests.service.conftest import HasClient, Town
from tests.service.map_versions import Asked
from tests.service.sharding import ALL, NEAR, answer_of

ASKED: list[dict[str, str]] = [
    {"rerank": "false", **ALL},
    {"rerank": "true", **ALL},
    {"rerank": "auto", **ALL},
    {"rerank": "auto", "candidates": "2", "shortlist": "3", **NEAR, "heading": "40"},
    {"near": "0,0"},
    {"evidence": "matches", "rerank": "true", "candidates": "1", "shortlist": "12"},
]
NONE_WATCHED = 0.0  # seconds between looks at CURRENT


@contextmanager
def deployed(town: Town, shards: int, replicas: int) -> Iterator[list[str]]:
    """Have Serve run the shards of a town, by the configuration that ``placefix cluster config`` prints."""
    from ray import serve
    from ray.serve.context import _get_global_client
    from ray.serve.schema import ServeDeploySchema

    config = serve_config([town.map_path], shards, replicas, name="town", cpus=0.2, is_pinned=False)
    serve.start(proxy_location="Disabled")
    _get_global_client().deploy_apps(ServeDeploySchema.model_validate(config))
    wait_for(lambda: running() == shards * [replicas], serve.status)
    try:
        yield addresses_of("town", shards)
    finally:
        serve.shutdown()


def running() -> list[int]:
    """Return how many replicas of each shard run."""
    from ray import serve

    applications = serve.status().applications
    assert not [each.message for each in applications.values() if each.status == "DEPLOY_FAILED"]
    return [
        applications[name].deployments["shard"].replica_states.get("RUNNING", 0)
        for name in sorted(applications)
        if applications[name].deployments
    ]


def replicas_of(ancestor: int, shard: int) -> list[int]:
    """Return the processes of the replicas of a shard on a machine."""
    title = f"ray::ServeReplica:town-{shard}:"
    return sorted(process for process, told in below(ancestor).items() if told.startswith(title))


def check_as_alone(front: HasClient, alone: HasClient, town: Town) -> None:
    for photo in list(town.photos.values())[::4]:
        for fields in ASKED:
            assert answer_of(front, [photo], fields) == answer_of(alone, [photo], fields)


def replicas_in_metrics(front: HasClient) -> list[int]:
    lines = front.client.get("/metrics").text.splitlines()
    return [int(float(line.split()[1])) for line in lines if line.startswith("placefix_shard_replicas{")]


def ask_more(asked: Asked, count: int) -> None:
    so_far = asked.count
    wait_for(lambda: asked.is_beyond(so_far + count), lambda: asked.failures)
