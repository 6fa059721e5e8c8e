"""Prometheus and promtool of the image accept the rules, the configuration, the metrics and the dashboard."""

import json
import math

import httpx
import pytest

from tests.docker.composed import ROOT, Composed, check_found, succeed, wait_for

pytestmark = pytest.mark.docker

DASHBOARD = ROOT / "docker" / "grafana" / "dashboards" / "placefix.json"


def test_promtool_accepts_configuration_and_rules_where_they_lie(composed: Composed) -> None:
    printed = composed.execute("prometheus", "promtool", "check", "config", "/etc/prometheus/prometheus.yml")
    assert "1 rule files found" in printed
    assert "SUCCESS" in composed.execute("prometheus", "promtool", "check", "rules", "/etc/prometheus/rules.yml")


def test_rules_pass_their_tests(composed: Composed) -> None:
    image = str(composed.inspect("prometheus")["Config"]["Image"])
    where = ("--volume", f"{ROOT / 'docker' / 'prometheus'}:/rules:ro", "--workdir", "/rules")
    printed = succeed(
        "docker", "run", "--rm", *where, "--entrypoint", "promtool", image, "test", "rules", "rules.test.yml"
    )
    assert "SUCCESS" in printed


def test_promtool_finds_nothing_to_complain_about_in_a_scrape(composed: Composed) -> None:
    check_found(composed.localize())
    scrape = httpx.get(f"{composed.service}/metrics", trust_env=False).raise_for_status().content
    assert b"placefix_requests_total{" in scrape
    assert composed.execute("prometheus", "promtool", "check", "metrics", given=scrape) == ""
    with pytest.raises(AssertionError, match="no help text"):
        composed.execute("prometheus", "promtool", "check", "metrics", given=b"lonely 1\n")


def test_every_query_of_the_dashboard_is_answered_with_numbers(composed: Composed) -> None:
    wanted = {
        target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".+")
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for target in panel["targets"]
    }
    assert len(wanted) >= 20
    assert not any("$" in expression for expression in wanted)

    def has_number(expression: str) -> bool:
        return any(math.isfinite(float(found["value"][1])) for found in composed.query(expression))

    def are_answered() -> bool:
        check_found(composed.localize())  # rates are of the last minute
        return all(map(has_number, wanted))

    wait_for(are_answered, "there are numbers for every query", interval_s=5)
