"""The configuration of the containers is valid for the tools that read it, and agrees with the code."""

import json
import re
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.prepare import SETTINGS
from demo.shipped import SHIPPED
from service.earlier_settings import REMOVED, RENAMED
from service.environment_names import unknown_environment_names
from service.metrics import Metrics
from service.settings import ENVIRONMENT_PREFIX, ServiceSettings
from tests.packaging.context import copied, let_in

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "docker" / "prometheus"
DASHBOARD = ROOT / "docker" / "grafana" / "dashboards" / "placefix.json"
GRAFANA = ROOT / "docker" / "grafana" / "provisioning"


def compose(*arguments: str, **environment: str) -> dict[str, Any]:
    """Return the configuration as compose understands it."""
    if (found := shutil.which("docker-compose")) is None:
        pytest.skip("docker-compose is not installed")
    command = [found, *arguments, "config"]
    done = subprocess.run(
        command, cwd=ROOT, env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(yaml.safe_load(done.stdout))


def variable(field: str) -> str:
    """Return the environment variable of a setting."""
    return f"{ENVIRONMENT_PREFIX}{field.upper()}"


def promtool(*arguments: str) -> None:
    if (found := shutil.which("promtool")) is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run([found, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def series_names() -> set[str]:
    """Return every name that the service can expose."""
    described = re.findall(r"^# TYPE (\S+) (\w+)$", Metrics("0").exposition().decode(), re.MULTILINE)
    names = set()
    for name, kind in described:
        suffixes = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        names |= {name + suffix for suffix in suffixes}
    return names


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:placefix|process)_[a-z_]+", expression))


def test_containers_run_with_as_little_as_possible() -> None:
    services = compose("--profile", "tools", "--profile", "grafana")["services"]
    assert set(services) == {"prepare", "localizer", "placefix", "prometheus", "grafana"}
    for service in services.values():
        assert service["read_only"] is True
        assert service["init"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_map_is_read_only_for_the_server_and_waited_for() -> None:
    localizer = compose()["services"]["localizer"]
    assert localizer["volumes"] == ["maps:/data:ro"]
    assert localizer["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}
    assert localizer["environment"]["PLACEFIX_SETTINGS"] == "/data/served.toml"


def test_what_is_prepared_is_served_unless_told_otherwise() -> None:
    services = compose()["services"]
    (out,) = [option for option in services["prepare"]["command"] if option.startswith("--out=")]
    prepared = Path(out.removeprefix("--out=")) / SETTINGS
    environment = services["localizer"]["environment"]
    assert environment["PLACEFIX_SETTINGS"] == str(prepared)
    assert environment.get("PLACEFIX_MAPS") is None
    mine = compose(PLACEFIX_MAPS="/data/maps/mine", PLACEFIX_SAMPLES="")["services"]["localizer"]["environment"]
    assert (mine["PLACEFIX_MAPS"], mine["PLACEFIX_SAMPLES"]) == ("/data/maps/mine", "")


def test_a_folder_of_photos_is_mounted_and_named() -> None:
    """All are mounted at one path; by their names, two folders are told apart."""
    for folder in ("/home/me/walk", "/home/you/walk"):
        prepare = compose(PHOTOS=folder)["services"]["prepare"]
        assert f"{folder}:/photos:ro" in prepare["volumes"]
        assert prepare["environment"]["PHOTOS"] == folder
        assert "--mounted-at=/photos" in prepare["command"]
    assert "no-photos:/photos:ro" in compose()["services"]["prepare"]["volumes"]


def test_the_address_on_the_host_is_told() -> None:
    assert "--served-at=http://127.0.0.1:8000" in compose()["services"]["prepare"]["command"]
    elsewhere = compose(PLACEFIX_HOST="192.0.2.1", PLACEFIX_PORT="81")["services"]["prepare"]["command"]
    assert "--served-at=http://192.0.2.1:81" in elsewhere


def test_a_network_that_is_fetched_is_kept_where_maps_are_built_and_served() -> None:
    services = compose("--profile", "tools")["services"]
    ours = [services[name] for name in ("placefix", "prepare", "localizer")]
    assert {service["environment"]["PLACEFIX_CACHE"] for service in ours} == {"/data"}
    assert all(any(volume.startswith("maps:/data") for volume in service["volumes"]) for service in ours)
    elsewhere = compose("--profile", "tools", PLACEFIX_CACHE="/data/networks")["services"]
    assert {elsewhere[name]["environment"]["PLACEFIX_CACHE"] for name in ("placefix", "prepare", "localizer")} == {
        "/data/networks"
    }


def test_what_is_shipped_with_the_demo_gets_into_the_image() -> None:
    shipped = {path for path in SHIPPED.root.rglob("*") if path.is_file()}
    assert len(shipped) >= 260
    assert ("demo", "./demo") in copied()
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("**/")]
    assert not any(fnmatch(f"/{path}", pattern) for path in shipped for pattern in ignored)


def test_ports_are_published_on_this_machine_only_unless_told_otherwise() -> None:
    services = compose("--profile", "grafana")["services"]
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)
    services = compose(PLACEFIX_HOST="0.0.0.0", PLACEFIX_PORT="80")["services"]  # noqa: S104
    assert services["localizer"]["ports"] == ["0.0.0.0:80:8000/tcp"]


@pytest.mark.parametrize(
    ("host", "is_local"),
    [(None, True), ("::1", True), ("[::1]", True), ("0.0.0.0", False), ("[::]", False), ("192.0.2.1", False)],  # noqa: S104
)
def test_the_server_knows_whether_others_reach_the_container(host: str | None, is_local: bool) -> None:
    given = {} if host is None else {"PLACEFIX_HOST": host}
    services = compose("--profile", "tools", **given)["services"]
    environment = services["localizer"]["environment"]
    settings = ServiceSettings(
        maps=(Path("maps/town"),),
        host=environment["PLACEFIX_HOST"],
        published_host=environment["PLACEFIX_PUBLISHED_HOST"],
    )
    assert settings.is_local is settings.lists_places is is_local
    assert not services["placefix"]["environment"].get("PLACEFIX_PUBLISHED_HOST")  # its ports are published by hand


def test_grafana_starts_only_when_asked_for() -> None:
    assert compose("--profile", "grafana")["services"]["grafana"]["profiles"] == ["grafana"]


def test_gpu_overlay_reserves_a_gpu_and_insists_on_it() -> None:
    services = compose("--file", "docker-compose.yml", "--file", "docker-compose.gpu.yml")["services"]
    localizer = services["localizer"]
    (device,) = localizer["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    assert localizer["environment"]["PLACEFIX_DEVICE"] == "cuda"
    assert {services[name]["build"]["args"]["EXTRA"] for name in ("prepare", "localizer")} == {"gpu"}
    assert localizer["image"] == services["prepare"]["image"] == "placefix:gpu"


def test_the_gpu_image_lets_triton_compile() -> None:
    """Without a compiler, or a folder whose files may be executed, mutual matches are counted exactly and slowly."""
    localizer = compose("--file", "docker-compose.yml", "--file", "docker-compose.gpu.yml")["services"]["localizer"]
    folder = localizer["environment"]["TRITON_CACHE_DIR"]
    mounts = dict(mount.split(":", 1) for mount in localizer["tmpfs"])
    assert "exec" in mounts[folder].split(",")
    assert "/tmp" in mounts  # noqa: S108  (in the container)
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text()
    [install] = re.findall(r'case ",\$EXTRA," in \*,gpu,\*\)(.*?);;', dockerfile, flags=re.DOTALL)
    assert {"gcc", "libc6-dev"} <= set(install.split())


@pytest.mark.parametrize("service", ["localizer", "placefix"])
def test_every_setting_is_handed_through_and_exists(service: str) -> None:
    handed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]["environment"]
    old_names = {variable(name) for name in (*RENAMED, *REMOVED)} | {"PLACEFIX_PUBLISH"}  # told of here, too
    missing = sorted(({variable(field) for field in ServiceSettings.model_fields} | old_names) - set(handed))
    assert not missing, f"add to x-settings in docker-compose.yml: {', '.join(missing)}"
    assert unknown_environment_names(set(handed) - old_names) == []


def test_settings_in_a_file_of_variables_reach_the_server(tmp_path: Path) -> None:
    given = {variable(field): f"of {field}" for field in ServiceSettings.model_fields} | {"PLACEFIX_SETTINGS": "a.toml"}
    given |= {"PLACEFIX_HOST": "192.0.2.1", "PLACEFIX_PORT": "81", "PLACEFIX_SHUTDOWN_GRACE_S": "90"}
    (tmp_path / "env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    services = compose("--env-file", str(tmp_path / "env"), "--profile", "tools")["services"]
    # The health check, Prometheus and the published port count on the address in the container.
    own = {"PLACEFIX_HOST": "0.0.0.0", "PLACEFIX_PORT": "8000"}  # noqa: S104
    published = {"PLACEFIX_PUBLISHED_HOST": "192.0.2.1"}
    assert services["placefix"]["environment"].items() >= (given | own).items()
    assert services["localizer"]["environment"].items() >= (given | own | published).items()
    assert services["localizer"]["ports"] == ["192.0.2.1:81:8000/tcp"]  # the file's address on the host


def test_image_has_the_variables_that_its_health_check_and_the_service_exist_by() -> None:
    in_image = re.findall(r"\b(PLACEFIX_[A-Z_]+)=", (ROOT / "docker" / "Dockerfile").read_text())
    assert in_image
    assert unknown_environment_names(in_image) == []


def test_stop_waits_longer_than_the_service_does() -> None:
    default_s = ServiceSettings.model_fields["shutdown_grace_s"].default
    assert compose()["services"]["localizer"]["stop_grace_period"] == f"1m{default_s}s"
    longer = compose(PLACEFIX_SHUTDOWN_GRACE_S="300")["services"]["localizer"]["stop_grace_period"]
    assert longer in ("1m300s", "6m0s")


def test_image_is_built_from_files_that_the_context_lets_in() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sources = {source for source, _ in copied()}
    assert sources == set(let_in())
    assert lines.index("*") < min(lines.index(f"!{path}") for path in let_in())
    assert all((ROOT / path).exists() for path in sources)


def test_images_are_pinned_and_may_be_replaced() -> None:
    services = compose("--profile", "grafana")["services"]
    for name in ("prometheus", "grafana"):
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", services[name]["image"])
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text()
    assert re.search(r"^ARG BASE_IMAGE=python:3\.\d+\.\d+-slim-[a-z]+$", dockerfile, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${BASE_IMAGE}"}
    mine = {"PROMETHEUS_IMAGE": "mine/prometheus", "GRAFANA_IMAGE": "mine/grafana", "BASE_IMAGE": "mine/python"}
    services = compose("--profile", "grafana", "--profile", "tools", **mine)["services"]
    assert services["prometheus"]["image"] == "mine/prometheus"
    assert services["grafana"]["image"] == "mine/grafana"
    for name in ("prepare", "localizer", "placefix"):
        assert services[name]["build"]["args"]["BASE_IMAGE"] == "mine/python"


def test_compose_builds_an_image_with_other_extras_where_told() -> None:
    gpu = ("--file", "docker-compose.yml", "--file", "docker-compose.gpu.yml")
    for arguments, extras in (((), "cpu,heif"), (gpu, "gpu,heif")):
        services = compose("--profile", "tools", *arguments, EXTRA=extras)["services"]
        built = [services[name]["build"]["args"]["EXTRA"] for name in ("prepare", "localizer", "placefix")]
        assert built == [extras] * 3
    assert compose()["services"]["localizer"]["build"]["args"]["EXTRA"] == "cpu"


def test_prometheus_accepts_its_configuration() -> None:
    # Where it will lie is not where it lies: rule files are looked for beside it.
    promtool("check", "config", "--syntax-only", "prometheus.yml")
    promtool("check", "rules", "rules.yml")


def test_alerts_fire_when_they_should() -> None:
    promtool("test", "rules", "rules.test.yml")


def test_alerts_speak_of_metrics_that_exist() -> None:
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    used = {name for group in groups for rule in group["rules"] for name in names_in(rule["expr"])}
    assert len(used) >= 8
    assert used <= series_names()


def test_the_readme_of_operations_lists_every_alert() -> None:
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"]}
    tested = {
        test["alertname"]
        for case in yaml.safe_load((PROMETHEUS / "rules.test.yml").read_text())["tests"]
        for test in case["alert_rule_test"]
        if test["exp_alerts"]
    }
    documented = set(re.findall(r"^\| `(Placefix\w+)` \|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE))
    assert alerts == tested == documented


def test_dashboard_speaks_of_metrics_that_exist_and_asks_for_its_datasource() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    (datasource,) = yaml.safe_load((GRAFANA / "datasources" / "prometheus.yml").read_text())["datasources"]
    targets = [target for panel in dashboard["panels"] for target in panel["targets"]]
    used = {name for target in targets for name in names_in(target["expr"])}
    assert used <= series_names()
    shown = {"requests_total", "request_duration_seconds_bucket", "stage_duration_seconds_bucket", "queue_depth"}
    shown |= {"rejected_total", "ready", "map_info", "map_pictures", "image_errors_total", "batch_size_sum"}
    shown |= {
        "map_created_timestamp_seconds",
        "map_swaps_total",
        "answers_total",
        "answer_confidence_bucket",
        "gather_bytes_total",
        "upload_duration_seconds_bucket",
    }
    assert {f"placefix_{name}" for name in shown} | {"process_open_fds"} <= used
    asked, *others = dashboard["templating"]["list"]
    assert (asked["name"], asked["type"], asked["query"]) == ("datasource", "datasource", datasource["type"])
    named = [each["datasource"] for each in (*targets, *dashboard["panels"], *others)]
    assert all(each == {"type": datasource["type"], "uid": "${datasource}"} for each in named)
    assert "uid" not in datasource
    assert datasource["isDefault"]  # which is chosen until somebody chooses another


def test_dashboard_speaks_the_language_of_prometheus(tmp_path: Path) -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(expressions) >= len(panels)
    rules = [
        {"record": f"dashboard:{number}", "expr": expression.replace("$__rate_interval", "1m")}
        for number, expression in enumerate(expressions)
    ]
    path = tmp_path / "dashboard.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(path))


def test_dashboard_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert all(x < 24 for x, _ in cells)
        taken |= cells


def test_grafana_finds_its_dashboard() -> None:
    volumes = compose("--profile", "grafana")["services"]["grafana"]["volumes"]
    mounted = {target: Path(source) for source, target, *_ in (volume.split(":") for volume in volumes)}
    (provider,) = yaml.safe_load((GRAFANA / "dashboards" / "placefix.yml").read_text())["providers"]
    assert mounted[provider["options"]["path"]] == DASHBOARD.parent
    assert mounted["/etc/grafana/provisioning"] == GRAFANA


def test_the_cluster_has_two_replicas_of_each_shard_and_one_token() -> None:
    services = compose("--file", "docker-compose.cluster.yml", RAY_AUTH_TOKEN="a-token")["services"]  # noqa: S106
    nodes = {name: each for name, each in services.items() if name != "prometheus"}
    assert set(nodes) == {"prepare", "head", "shard-1a", "shard-1b", "shard-2a", "shard-2b", "localizer"}
    for name, service in nodes.items():
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        environment = service["environment"]
        assert (environment["RAY_AUTH_MODE"], environment["RAY_AUTH_TOKEN"]) == ("token", "a-token")
        assert (name == "localizer") == ("ports" in service)
    for shard in ("1", "2"):
        assert all(f'{{"shard-{shard}": 1}}' in nodes[f"shard-{shard}{each}"]["command"][0] for each in "ab")
    assert nodes["localizer"]["environment"]["PLACEFIX_SHARDS"] == "ray:demo-1,ray:demo-2"
    scraped = yaml.safe_load((PROMETHEUS / "cluster.yml").read_text())["scrape_configs"]
    targets = [target for job in scraped for each in job["static_configs"] for target in each["targets"]]
    assert {target.partition(":")[0] for target in targets} == {*nodes, "127.0.0.1"} - {"prepare"}
    promtool("check", "config", "--syntax-only", "cluster.yml")
