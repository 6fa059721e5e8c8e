"""Grafana with the dashboard: started, and asked for its configuration. Skipped where its image is not."""

import json
import subprocess

import httpx
import pytest

from tests.docker.composed import ROOT, Composed, check_found, wait_for
from tests.docker.rights import IN_MEMORY, RIGHTS, WRITE, check_rights, written

pytestmark = pytest.mark.docker

DASHBOARD = json.loads((ROOT / "docker" / "grafana" / "dashboards" / "placefix.json").read_text())


@pytest.fixture(scope="module")
def grafana(composed: Composed) -> Composed:
    image = composed.environment["GRAFANA_IMAGE"]
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode:
        pytest.skip(f"the image {image} is not here; docker pull {image} fetches it")
    composed.run("--profile", "grafana", "up", "--detach", "grafana")
    composed.wait_until_healthy("grafana")
    return composed


def test_grafana_writes_only_where_it_must_and_has_no_rights(grafana: Composed) -> None:
    check_rights(grafana.execute("grafana", "sh", "-c", RIGHTS))
    assert written(grafana.execute("grafana", "sh", "-c", WRITE)) == ["/var/lib/grafana", IN_MEMORY]


def test_dashboard_is_provisioned_and_its_queries_give_data(grafana: Composed) -> None:
    with httpx.Client(base_url=grafana.grafana, trust_env=False) as client:
        found = client.get(f"/api/dashboards/uid/{DASHBOARD['uid']}").raise_for_status().json()
        assert found["dashboard"]["title"] == DASHBOARD["title"]
        assert len(found["dashboard"]["panels"]) == len(DASHBOARD["panels"])

        # As the variable of the dashboard finds it; only an administrator may ask.
        [provisioned] = client.get("/api/datasources", auth=("admin", "admin")).raise_for_status().json()
        datasource = {name: provisioned[name] for name in ("type", "uid")}
        assert datasource["type"] == DASHBOARD["templating"]["list"][0]["query"]

        def values(target: dict[str, object]) -> list[object]:
            expression = str(target["expr"]).replace("$__rate_interval", "1m").replace("$instance", ".+")
            query = {"refId": "A", "datasource": datasource, "expr": expression, "instant": True}
            asked = {"queries": [query], "from": "now-5m", "to": "now"}
            answer = client.post("/api/ds/query", json=asked).raise_for_status().json()
            frames = answer["results"]["A"]["frames"]
            return [value for frame in frames for column in frame["data"]["values"] for value in column]

        def has_data() -> bool:
            check_found(grafana.localize())
            return all(values(target) for panel in DASHBOARD["panels"] for target in panel["targets"])

        wait_for(has_data, "each query gives data", interval_s=5)
