"""Write the configuration with which Ray Serve runs the shards of maps."""

import json
from collections.abc import Sequence
from pathlib import Path

from place_map.shard import Shard
from service.shard_settings import RAY_SCHEME

DEPLOYMENT = "shard"
"""The name of the one deployment of each application."""

_IMPORT_PATH = "service.ray_shards:build_app"
_HEALTH_CHECK_PERIOD_S = 1
_HEALTH_CHECK_TIMEOUT_S = 5  # Serve starts a replica again after three of these
_STOP_TIMEOUT_S = 5
_MOST_CALLS = 16  # at a time in a replica, which answers one after the other
_MOST_WAITING = 64  # for a replica, in each front end


def application_names(name: str, shards: int) -> list[str]:
    """Return the names of the applications, the first shard first.

    Args:
        name: The beginning of the names.
        shards: The number of shards.
    """
    return [f"{name}-{number}" for number in range(1, shards + 1)]


def addresses_of(name: str, shards: int) -> list[str]:
    """Return the addresses of the shards for a front end, as ``PLACEFIX_SHARDS`` takes them.

    Args:
        name: The beginning of the names of applications.
        shards: The number of shards.
    """
    return [f"{RAY_SCHEME}{application}" for application in application_names(name, shards)]


def serve_config(
    maps: Sequence[Path], shards: int, replicas: int, *, name: str, cpus: float, is_pinned: bool
) -> dict[str, object]:
    """Return the configuration: an application for each shard, with one deployment.

    Args:
        maps: The directories of the maps, under the same paths on all machines.
        shards: The number of shards.
        replicas: The number of replicas of each shard.
        name: The beginning of the names of applications.
        cpus: The cores of each replica; torch takes as many threads.
        is_pinned: Whether a replica of shard 1 needs one ``shard-1`` of a machine, so that it starts only where its
            files are, and at most once.
    """
    return {
        "proxy_location": "Disabled",
        "logging_config": {"enable_access_log": False},
        "applications": [
            {
                "name": application,
                "route_prefix": None,
                "import_path": _IMPORT_PATH,
                "args": {"maps": [str(path) for path in maps], "shard": str(Shard(number, shards))},
                "deployments": [
                    {
                        "name": DEPLOYMENT,
                        "num_replicas": replicas,
                        "max_ongoing_requests": _MOST_CALLS,
                        "max_queued_requests": _MOST_WAITING,
                        "health_check_period_s": _HEALTH_CHECK_PERIOD_S,
                        "health_check_timeout_s": _HEALTH_CHECK_TIMEOUT_S,
                        "graceful_shutdown_timeout_s": _STOP_TIMEOUT_S,
                        "ray_actor_options": {
                            "num_cpus": cpus,
                            **({"resources": {f"shard-{number}": 1}} if is_pinned else {}),
                        },
                    }
                ],
            }
            for number, application in enumerate(application_names(name, shards), start=1)
        ],
    }


def to_yaml(value: object, indent: str = "") -> str:
    """Return nested dictionaries and lists as lines of YAML.

    Args:
        value: A dictionary or a list, not empty, of values that JSON has.
        indent: The spaces in front of each line.
    """
    if isinstance(value, dict):
        return "".join(
            f"{indent}{key}:\n{to_yaml(each, indent + '  ')}"
            if isinstance(each, dict | list)
            else f"{indent}{key}: {json.dumps(each)}\n"
            for key, each in value.items()
        )
    assert isinstance(value, list)  # noqa: S101
    return "".join(
        f"{indent}- {to_yaml(each, indent + '  ')[len(indent) + 2 :]}"
        if isinstance(each, dict | list)
        else f"{indent}- {json.dumps(each)}\n"
        for each in value
    )
