"""The state of an alert in Prometheus."""

from tests.docker.composed import Composed, wait_for


def state_of(composed: Composed, alert: str) -> str:
    """Return ``inactive``, ``pending`` or ``firing``, on which the lists of rules and of alerts agree."""
    (group,) = composed.ask_prometheus("rules", type="alert")["groups"]
    (rule,) = [rule for rule in group["rules"] if rule["name"] == alert]
    assert rule["health"] in ("ok", "unknown"), rule  # unknown: not evaluated yet
    return str(rule["state"])


def labels_of(composed: Composed, alert: str) -> dict[str, str]:
    """Return the values of an alert that is raised."""
    raised = composed.ask_prometheus("alerts")["alerts"]
    (labels,) = [found["labels"] for found in raised if found["labels"]["alertname"] == alert]
    return dict(labels)


def wait_for_state(composed: Composed, alert: str, state: str) -> None:
    wait_for(lambda: state_of(composed, alert) == state, f"{alert} is {state}")
