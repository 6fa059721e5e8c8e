"""The pods of the overlays may as little as the containers of compose, and have the files that the server asks for."""

import json
import re

import pytest
import yaml

from model.errors import InvalidInput
from service.environment_names import unknown_environment_names
from service.settings import ENVIRONMENT_PREFIX, ServiceSettings, load_settings
from tests.deploy.overlays import (
    FRONT_ENDS,
    KUSTOMIZE,
    OVERLAYS,
    PORT,
    ROOT,
    SECRETS,
    Resource,
    build,
    container_of,
    environment_of,
    machines,
    of_kind,
    pods,
    workloads,
)

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OF_CLUSTER = yaml.safe_load((ROOT / "docker-compose.cluster.yml").read_text())["x-node"]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
DOCUMENT = (ROOT / "docs" / "kubernetes.md").read_text()
SERVERS = {"one-machine": {"placefix"}, "shards": {"placefix", "placefix-shard"}, "ray": {"placefix"}}

of_each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def settings_of(pod: Resource, resources: list[Resource], monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    environment = environment_of(pod, resources, SECRETS)
    assert unknown_environment_names(environment) == []
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings({})
    for name in environment:
        monkeypatch.delenv(name)
    return settings


@of_each_overlay
def test_a_pod_may_as_little_as_a_container_of_compose(overlay: str) -> None:
    ((user, group),) = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    found = pods(build(overlay))
    assert set(found) == SERVERS[overlay] | {"placefix-tools"} | set(machines(build(overlay)))
    for name, pod in found.items():
        compose = OF_CLUSTER if overlay == "ray" and name != "placefix-tools" else COMPOSE["x-placefix"]
        (memory,) = [mount for mount in compose["tmpfs"] if mount.startswith("/tmp:")]  # noqa: S108  (in the container)
        own = container_of(pod)["securityContext"]
        assert own["readOnlyRootFilesystem"] is compose["read_only"] is True
        assert own["capabilities"] == {"drop": compose["cap_drop"]} == {"drop": ["ALL"]}
        assert own["allowPrivilegeEscalation"] is False
        assert "no-new-privileges:true" in compose["security_opt"]
        shared = pod["securityContext"]
        assert (shared["runAsUser"], shared["runAsGroup"]) == (int(user), int(group))
        assert shared["runAsNonRoot"] is True
        assert shared["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
        size = next(each["emptyDir"]["sizeLimit"] for each in pod["volumes"] if each["name"] == "tmp")
        assert f"size={size.removesuffix('i').lower()}" in memory
    assert of_kind(build(overlay), "Namespace")["placefix"]["metadata"]["labels"] == {
        "pod-security.kubernetes.io/enforce": "restricted"
    }


@of_each_overlay
def test_servers_read_the_maps_and_the_tools_alone_write_them(overlay: str) -> None:
    for name, pod in pods(build(overlay)).items():
        mounts = {mount["name"]: mount for mount in container_of(pod)["volumeMounts"]}
        assert mounts["maps"]["mountPath"] == COMPOSE["services"]["prepare"]["command"][2].removeprefix("--out=")
        assert mounts["maps"].get("readOnly", False) is (name != "placefix-tools")
        assert {each["name"] for each in pod["volumes"]} == set(mounts)
        assert ("keys" in mounts) is (name in SERVERS[overlay])


@of_each_overlay
def test_the_settings_of_servers_are_valid(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resources = build(overlay)
    for name in SERVERS[overlay]:
        pod = pods(resources)[name]
        settings = settings_of(pod, resources, monkeypatch)
        keys = next(mount for mount in container_of(pod)["volumeMounts"] if mount["name"] == "keys")
        (item,) = next(volume["secret"]["items"] for volume in pod["volumes"] if volume["name"] == "keys")
        assert str(settings.keys) == f"{keys['mountPath']}/{item['path']}"
        assert (settings.shard is not None) is (name == "placefix-shard")
        assert bool(settings.shards) is (overlay in FRONT_ENDS and name == "placefix")
        assert (settings.shard_key is not None) is (
            overlay == "shards" and name == "placefix"
        )  # on Ray, none is asked for
        served = environment_of(pod, resources, SECRETS)
        assert served["PLACEFIX_SETTINGS"] == COMPOSE["x-settings"]["PLACEFIX_SETTINGS"].split(":-")[1].rstrip("}")


@of_each_overlay
def test_no_variable_of_a_service_is_taken_for_a_setting(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubernetes names the Services of a namespace in variables: ``PLACEFIX_PORT`` for the Service ``placefix``."""
    resources = build(overlay)
    linked = {f"{name.upper().replace('-', '_')}_PORT" for name in of_kind(resources, "Service")}
    assert f"{ENVIRONMENT_PREFIX}PORT" in linked
    monkeypatch.setenv(f"{ENVIRONMENT_PREFIX}PORT", "tcp://10.96.0.1:80")
    with pytest.raises(InvalidInput, match="port"):
        load_settings({})
    assert all(pod["enableServiceLinks"] is False for pod in pods(resources).values())


@of_each_overlay
def test_probes_ask_routes_that_are_there_at_the_port_of_the_image(overlay: str) -> None:
    routes = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
    (port,) = re.findall(r"PLACEFIX_PORT=(\d+)", DOCKERFILE)
    for name in SERVERS[overlay]:
        container = container_of(pods(build(overlay))[name])
        assert container["ports"] == [{"name": "http", "containerPort": int(port)}]
        assert int(port) == PORT
        assert container["args"] == COMPOSE["services"]["localizer"]["command"]
        probes = {kind: container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")}
        assert {probe["httpGet"]["port"] for probe in probes.values()} == {"http"}
        asked = {kind: probe["httpGet"]["path"] for kind, probe in probes.items()}
        assert set(asked.values()) <= set(routes)
        assert asked["readiness"] == "/health/ready"
        assert asked["liveness"] == "/health/live"
        # A front end is not ready without its shards, and starting it again would not help.
        is_front_end = overlay in FRONT_ENDS and name == "placefix"
        assert asked["startup"] == ("/health/live" if is_front_end else "/health/ready")
        assert probes["startup"]["periodSeconds"] * probes["startup"]["failureThreshold"] >= 600


@of_each_overlay
def test_a_pod_has_a_minute_more_to_stop_than_the_server_takes(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resources = build(overlay)
    for name in SERVERS[overlay]:
        pod = pods(resources)[name]
        settings = settings_of(pod, resources, monkeypatch)
        assert settings.drain_delay_s > 0  # there is no preStop hook
        assert "lifecycle" not in container_of(pod)
        assert pod["terminationGracePeriodSeconds"] == settings.drain_delay_s + settings.shutdown_grace_s + 60


@of_each_overlay
def test_all_pods_have_the_image_that_one_file_names(overlay: str) -> None:
    (image,) = yaml.safe_load((KUSTOMIZE / "base" / "kustomization.yaml").read_text())["images"]
    name = f"{image['newName']}:{image['newTag']}"
    assert {container_of(pod)["image"] for pod in pods(build(overlay)).values()} == {name}
    assert f"--tag {name}" in DOCUMENT
    for pod in pods(build(overlay)).values():
        resources = container_of(pod)["resources"]
        assert set(resources["requests"]) == {"cpu", "memory"}
        assert set(resources["limits"]) == {"memory"}


@of_each_overlay
def test_the_document_makes_every_secret_that_is_asked_for(overlay: str) -> None:
    resources = build(overlay)
    text = json.dumps([resources, *workloads(resources).values()])
    asked = set(re.findall(r'"key": "([a-z.-]+)"', text))
    assert asked == {"keys.txt", "metrics-key"} | ({"shard-key"} if overlay == "shards" else set())
    made = re.findall(r"--from-(?:file|literal) ([a-z.-]+)", DOCUMENT)
    assert asked <= set(made)
    assert "create secret generic placefix-keys" in DOCUMENT
