"""The resources around the pods fit them: names, selectors, ports, policies, shards, metrics."""

import json
import re
import shutil
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from service.ray_config import addresses_of, serve_config
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
    labels_of,
    machines,
    of_kind,
    pods,
    templates,
    workloads,
)
from tests.docker.test_configuration import series_names

DOCUMENT = (ROOT / "docs" / "kubernetes.md").read_text()
PROXY, PROMETHEUS, OPERATOR, DNS, STRANGER = "ingress-nginx", "monitoring", "kuberay", "kube-system", "default"
ANY, DASHBOARD = "any", 8265  # ports

of_each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def admits(peers: list[Resource], labels: dict[str, str] | None, namespace: str) -> bool:
    """Return whether one of the peers of a rule is a pod with these labels (None: any other) in a namespace."""
    for peer in peers:
        match peer:
            case {"podSelector": {"matchLabels": wanted}}:
                if namespace == "placefix" and labels is not None and selects(wanted, labels):
                    return True
            case {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}:
                if name == namespace:
                    return True
            case other:
                raise AssertionError(f"a peer that the test does not know: {other}")
    return False


def is_open(
    resources: list[Resource], direction: str, own: dict[str, str], other: tuple[dict[str, str] | None, str]
) -> bool:
    """Return whether the policies let a connection of a pod pass, as Kubernetes joins them."""
    policies = [
        policy["spec"]
        for policy in of_kind(resources, "NetworkPolicy").values()
        if direction in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"].get("matchLabels", {}), own)
    ]
    side, peers = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
    return not policies or any(admits(rule[peers], *other) for each in policies for rule in each.get(side, []))


def reaches(resources: list[Resource], source: str, target: str) -> bool:
    """Return whether the pods of a workload, or of another namespace, may ask the pods of a workload."""
    made = templates(resources)
    theirs = labels_of(made[target])
    if source not in made:
        return is_open(resources, "Ingress", theirs, (None, source))
    own = labels_of(made[source])
    goes_out = is_open(resources, "Egress", own, (theirs, "placefix"))
    return goes_out and is_open(resources, "Ingress", theirs, (own, "placefix"))


@of_each_overlay
def test_all_lies_in_one_namespace_and_every_name_is_there(overlay: str) -> None:
    resources = build(overlay)
    for each in resources:
        assert each["kind"] == "Namespace" or each["metadata"]["namespace"] == "placefix"
    for pod in pods(resources).values():
        claims = {
            each["persistentVolumeClaim"]["claimName"] for each in pod["volumes"] if "persistentVolumeClaim" in each
        }
        assert claims == set(of_kind(resources, "PersistentVolumeClaim"))
        environment_of(pod, resources, SECRETS)  # a ConfigMap that is not there is a KeyError
    files = {path.name for path in KUSTOMIZE.rglob("*.yaml")} - {"kustomization.yaml"}
    named = "".join(path.read_text() for path in KUSTOMIZE.rglob("kustomization.yaml"))
    assert all(re.search(rf"- (path: )?{re.escape(name)}$", named, re.MULTILINE) for name in files)


@of_each_overlay
def test_selectors_find_the_pods_that_they_are_for(overlay: str) -> None:
    resources = build(overlay)
    made = templates(resources)
    for workload in workloads(resources).values():
        selector = workload["spec"]["selector"]["matchLabels"]
        assert [name for name, each in made.items() if selects(selector, labels_of(each))] == [
            workload["metadata"]["name"]
        ]
    for name, service in of_kind(resources, "Service").items():
        assert [each for each in made if selects(service["spec"]["selector"], labels_of(made[each]))] == [name]
        (port,) = service["spec"]["ports"]
        (opened,) = container_of(pods(resources)[name])["ports"]
        assert port["name"] == port["targetPort"] == opened["name"]
    for budget in of_kind(resources, "PodDisruptionBudget").values():
        selector = budget["spec"]["selector"]["matchLabels"]
        assert [each for each in made if selects(selector, labels_of(made[each]))] == ["placefix"]
    assert (overlay in FRONT_ENDS) is bool(of_kind(resources, "PodDisruptionBudget"))


@of_each_overlay
def test_only_those_reach_a_pod_that_have_to(overlay: str) -> None:
    resources = build(overlay)
    made = templates(resources)
    servers, rays = set(workloads(resources)) - {"placefix-tools"}, set(machines(resources))
    sources = [*made, PROXY, PROMETHEUS, OPERATOR, DNS, STRANGER]
    found = {(source, target) for source in sources for target in made if reaches(resources, source, target)}
    expected = {(PROXY, "placefix")} | {(PROMETHEUS, each) for each in servers | rays}
    if overlay == "shards":
        expected.add(("placefix", "placefix-shard"))
    for each in rays:
        expected |= {(each, "placefix"), ("placefix", each), (OPERATOR, each), *((each, other) for other in rays)}
    assert found == expected
    for name in servers | rays:
        labels = labels_of(made[name])
        assert not is_open(resources, "Egress", labels, (None, STRANGER))
        is_of_several = name in rays or (overlay in FRONT_ENDS and name == "placefix")
        assert is_open(resources, "Egress", labels, (None, DNS)) is is_of_several
    ports = {
        port["port"]
        for policy in of_kind(resources, "NetworkPolicy").values()
        for rule in policy["spec"].get("ingress", [])
        for port in rule.get("ports", [{"port": ANY}])
    }
    assert ports == {"http"} | ({ANY, "metrics", DASHBOARD} if rays else set())


@of_each_overlay
def test_prometheus_finds_every_server_under_the_job_of_the_alerts(overlay: str) -> None:
    resources = build(overlay)
    monitor = of_kind(resources, "ServiceMonitor")["placefix"]["spec"]
    (endpoint,) = monitor["endpoints"]
    assert endpoint["path"] == "/metrics"
    for service in of_kind(resources, "Service").values():
        assert selects(monitor["selector"]["matchLabels"], service["metadata"]["labels"])
        assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
        job = service["metadata"]["labels"][monitor["jobLabel"]]
        assert f'job="{job}"' in (ROOT / "docker" / "prometheus" / "rules.yml").read_text()


def test_more_servers_come_by_a_metric_that_the_servers_have() -> None:
    resources = build("shards")
    autoscaler = of_kind(resources, "HorizontalPodAutoscaler")["placefix"]["spec"]
    target = autoscaler["scaleTargetRef"]
    assert "replicas" not in of_kind(resources, target["kind"])[target["name"]]["spec"]
    (metric,) = autoscaler["metrics"]
    assert metric["pods"]["metric"]["name"] in series_names()
    (rule,) = yaml.safe_load(re.findall(r"```yaml\n(rules:.*?)```", DOCUMENT, re.DOTALL)[0])["rules"]
    assert rule["seriesQuery"].startswith(metric["pods"]["metric"]["name"])
    assert not of_kind(build("one-machine"), "HorizontalPodAutoscaler")


def check_shards(resources: list[Resource], count: int) -> None:
    shards = of_kind(resources, "StatefulSet")["placefix-shard"]
    assert shards["spec"]["replicas"] == count
    assert shards["spec"]["ordinals"]["start"] == 1
    for number in range(1, count + 1):
        environment = environment_of(shards["spec"]["template"]["spec"], resources, SECRETS, number)
        assert environment["PLACEFIX_SHARD"] == f"{number}/{count}"


def test_the_front_end_asks_the_pods_of_all_shards_in_their_order() -> None:
    resources = build("shards")
    shards = of_kind(resources, "StatefulSet")["placefix-shard"]["spec"]
    headless = of_kind(resources, "Service")[shards["serviceName"]]["spec"]
    assert headless["clusterIP"] == "None"
    assert headless["publishNotReadyAddresses"] is True
    environment = environment_of(pods(resources)["placefix"], resources, SECRETS)
    addresses = [urlsplit(address) for address in environment["PLACEFIX_SHARDS"].split(",")]
    count, service = len(addresses), shards["serviceName"]
    assert [each.hostname for each in addresses] == [f"placefix-shard-{n}.{service}" for n in range(1, count + 1)]
    assert {(each.scheme, each.port) for each in addresses} == {("http", PORT)}
    check_shards(resources, count)


def test_the_pods_of_shards_follow_their_number(tmp_path: Path) -> None:
    shutil.copytree(KUSTOMIZE, tmp_path / "kustomize")
    kustomization = tmp_path / "kustomize" / "shards" / "kustomization.yaml"
    changed = kustomization.read_text().replace("count: 2", "count: 12")
    kustomization.write_text(changed)
    check_shards(build("shards", tmp_path / "kustomize"), 12)


def test_the_machines_of_ray_have_the_replicas_that_front_ends_ask() -> None:
    resources = build("ray")
    service = of_kind(resources, "RayService")["placefix"]["spec"]
    environment = environment_of(pods(resources)["placefix"], resources, SECRETS)
    town = Path(environment["PLACEFIX_MAPS"])
    groups = service["rayClusterConfig"]["workerGroupSpecs"]
    [cpus] = {float(group["rayStartParams"]["num-cpus"]) for group in groups}
    [replicas] = {group[field] for group in groups for field in ("replicas", "minReplicas", "maxReplicas")}
    expected = serve_config([town], len(groups), replicas, name="town", cpus=cpus, is_pinned=True)
    assert yaml.safe_load(service["serveConfigV2"]) == expected
    assert environment["PLACEFIX_SHARDS"].split(",") == addresses_of("town", len(groups))
    for number, group in enumerate(groups, start=1):
        assert json.loads(json.loads(group["rayStartParams"]["resources"])) == {f"shard-{number}": 1}
    assert service["rayClusterConfig"]["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["cluster"]
    assert f"ray[serve]=={service['rayClusterConfig']['rayVersion']}" in extra


def test_the_volume_is_one_that_all_machines_of_the_overlay_can_mount() -> None:
    modes = {each: of_kind(build(each), "PersistentVolumeClaim")["maps"]["spec"]["accessModes"] for each in OVERLAYS}
    assert modes == {"one-machine": ["ReadWriteOnce"], "shards": ["ReadWriteMany"], "ray": ["ReadWriteMany"]}
    strategies = {each: of_kind(build(each), "Deployment")["placefix"]["spec"].get("strategy") for each in OVERLAYS}
    assert strategies == {"one-machine": {"type": "Recreate"}, "shards": None, "ray": None}
