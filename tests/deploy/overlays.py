"""The overlays as kustomize builds them."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
KUSTOMIZE = ROOT / "deploy" / "kustomize"
OVERLAYS = ("one-machine", "shards", "ray")
FRONT_ENDS = ("shards", "ray")  # the overlays whose server asks shards
PORT = 8000
SECRETS = {"shard-key": "placefix_of_the_front_end", "auth_token": "of Ray"}

Resource = dict[str, Any]


@cache  # nobody changes them
def build(overlay: str, folder: Path = KUSTOMIZE) -> list[Resource]:
    """Return the resources of an overlay; skip the test where there is no kubectl."""
    if (kubectl := shutil.which("kubectl")) is None:
        pytest.skip("kubectl is not installed")
    command = [kubectl, "kustomize", str(folder / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(resources: list[Resource], kind: str) -> dict[str, Resource]:
    """Return the resources of a kind by their names."""
    return {each["metadata"]["name"]: each for each in resources if each["kind"] == kind}


def workloads(resources: list[Resource]) -> dict[str, Resource]:
    """Return all that makes pods."""
    return of_kind(resources, "Deployment") | of_kind(resources, "StatefulSet")


def machines(resources: list[Resource]) -> dict[str, Resource]:
    """Return the groups of machines of Ray by their names, the head's first."""
    found: dict[str, Resource] = {}
    for name, service in of_kind(resources, "RayService").items():
        cluster = service["spec"]["rayClusterConfig"]
        found[f"{name}-head"] = cluster["headGroupSpec"]
        found |= {f"{name}-{group['groupName']}": group for group in cluster["workerGroupSpecs"]}
    return found


def templates(resources: list[Resource]) -> dict[str, Resource]:
    """Return the template of the pods of each workload and of each group of machines."""
    return {name: each["spec"]["template"] for name, each in workloads(resources).items()} | {
        name: group["template"] for name, group in machines(resources).items()
    }


def pods(resources: list[Resource]) -> dict[str, Resource]:
    """Return the specification of the pods of each of them."""
    return {name: template["spec"] for name, template in templates(resources).items()}


def labels_of(template: Resource) -> dict[str, str]:
    """Return the labels of pods."""
    return dict(template["metadata"]["labels"])


def container_of(pod: Resource) -> Resource:
    """Return the one container of a pod."""
    (container,) = pod["containers"]
    return dict(container)


def environment_of(
    pod: Resource, resources: list[Resource], secrets: dict[str, str], number: int = 1
) -> dict[str, str]:
    """Return the environment variables of a container, as the kubelet puts them together.

    Args:
        pod: The pod.
        resources: Where its ConfigMaps are.
        secrets: The values of the keys of the Secret.
        number: The label of the pod with its number.
    """
    container, maps = container_of(pod), of_kind(resources, "ConfigMap")
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= maps[source["configMapRef"]["name"]]["data"]
    for variable in container.get("env", []):
        match variable.get("valueFrom"):
            case None:
                value = variable["value"]
                for name, text in found.items():
                    value = value.replace(f"$({name})", text)
            case {"configMapKeyRef": reference}:
                value = maps[reference["name"]]["data"][reference["key"]]
            case {"secretKeyRef": reference}:
                value = secrets[reference["key"]]
            case {"fieldRef": {"fieldPath": "metadata.labels['apps.kubernetes.io/pod-index']"}}:
                value = str(number)
            case other:
                raise AssertionError(f"where does {variable['name']} come from: {other}")
        found[variable["name"]] = value
    return found
