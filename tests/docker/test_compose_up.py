"""The composed containers, for real: built, asked, watched, stopped. Needs a Docker engine, and some minutes."""

import httpx
import pytest

from tests.docker.composed import Composed, check_found, wait_for

pytestmark = pytest.mark.docker


def test_picture_of_the_map_is_found_and_counted(composed: Composed) -> None:
    before = composed.query('sum(placefix_requests_total{route="/localize", status="200"}) or vector(0)')
    answer = check_found(composed.localize())
    # Stored in half precision: nearly all of its 3,721 local features match, if not all.
    assert answer["candidates"][0]["mutual_matches"] > 3500
    count = float(before[0]["value"][1])

    def is_counted() -> bool:
        found = composed.query('placefix_request_duration_seconds_bucket{route="/localize", le="+Inf"}')
        return bool(found) and float(found[0]["value"][1]) == count + 1

    wait_for(is_counted, "Prometheus has the query in its latency histogram")
    assert composed.query('placefix_map_info{map="demo"}')[0]["value"][1] == "1"
    assert composed.query('up{job="placefix"}')[0]["value"][1] == "1"


def test_samples_are_offered_and_the_score_is_printed(composed: Composed) -> None:
    samples = httpx.get(f"{composed.service}/samples", trust_env=False).raise_for_status().json()["samples"]
    assert len(samples) == 60
    asked = ("run", "--rm", "--entrypoint", "python", "placefix", "-m", "demo", "check", "--url")
    assert "night" in composed.run(*asked, "http://localizer:8000")


def test_stop_is_clean_and_the_next_start_keeps_the_map(composed: Composed) -> None:
    composed.run("stop", "localizer")
    assert composed.inspect("localizer")["State"]["ExitCode"] == 0
    composed.run("up", "--detach")
    composed.wait_until_healthy("localizer")
    assert "nothing to do" in composed.run("logs", "prepare")
    check_found(composed.localize())


def test_tools_verify_the_map_in_the_volume(composed: Composed) -> None:
    assert "good" in composed.run("run", "--rm", "placefix", "verify", "/data/demo/maps/demo")
