"""The shipped rules raise alerts when something happens to the containers."""

import pytest

from tests.docker.alerts import labels_of, wait_for_state
from tests.docker.composed import Composed, check_found

pytestmark = pytest.mark.docker

# Turns the last byte of the largest file of the map around, in the volume; twice is as before.
TURN_A_BYTE = """
from pathlib import Path
largest = max(Path("/data/demo/maps/demo/segments").rglob("*.npy"), key=lambda path: path.stat().st_size)
mode = largest.stat().st_mode
largest.chmod(mode | 0o200)
with largest.open("r+b") as file:
    file.seek(-1, 2)
    byte = file.read(1)[0]
    file.seek(-1, 2)
    file.write(bytes([byte ^ 0xFF]))
largest.chmod(mode)
print(f"turned in {largest.name}")
"""


def turn_a_byte(composed: Composed) -> None:
    printed = composed.run("run", "--rm", "--no-deps", "--entrypoint", "python", "placefix", "-c", TURN_A_BYTE)
    assert "turned in locals.npy" in printed


def test_stopped_server_raises_an_alert_until_it_is_back(composed: Composed) -> None:
    wait_for_state(composed, "PlacefixDown", "inactive")
    composed.run("stop", "localizer")
    wait_for_state(composed, "PlacefixDown", "pending")
    wait_for_state(composed, "PlacefixDown", "firing")
    labels = labels_of(composed, "PlacefixDown")
    assert labels["severity"] == "critical"
    assert labels["instance"] == "localizer:8000"
    composed.run("up", "--detach")
    composed.wait_until_healthy("localizer")
    wait_for_state(composed, "PlacefixDown", "inactive")


def test_damaged_byte_in_the_volume_raises_an_alert_and_no_query_is_answered(composed: Composed) -> None:
    wait_for_state(composed, "PlacefixMapDamaged", "inactive")
    turn_a_byte(composed)
    try:
        composed.run("restart", "localizer")
        wait_for_state(composed, "PlacefixMapDamaged", "firing")
        labels = labels_of(composed, "PlacefixMapDamaged")
        assert (labels["severity"], labels["map"]) == ("critical", "demo")
        answer = composed.localize()
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert "locals.npy" in composed.run("logs", "localizer")
    finally:
        turn_a_byte(composed)
        composed.run("restart", "localizer")
    composed.wait_until_healthy("localizer")
    wait_for_state(composed, "PlacefixMapDamaged", "inactive")
    check_found(composed.localize())
