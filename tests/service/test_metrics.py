"""Prometheus reads the metrics."""

import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from model.picture_errors import CorruptImage, EmptyImage, NotAnImage, TooManyPixels
from place_map.reader import PlaceMap
from service.key_file import append_key
from service.keys import Scope, make_key
from service.metrics import Metrics
from service.stages import Stage
from tests.service.conftest import Serve, Served, Town
from tests.service.pictures import JPEG
from tests.waiting import wait_until

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(served: Served) -> Samples:
    response = served.client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


def labels_of(samples: Samples, name: str, label: str) -> set[str]:
    return {dict(labels)[label] for found, labels in samples if found == name}


def test_every_request_and_every_stage_that_ran_is_counted(town: Town, serve: Serve) -> None:
    served = serve(town)
    content = town.photos["100%.jpg"].read_bytes()
    before = scrape(served)
    for rerank in ("false", "false", "true"):
        assert served.client.post("/localize", content=content, params={"rerank": rerank, "shortlist": 2}).is_success
    served.client.post("/localize", content=b"no picture")
    served.client.post("/localize", content=content, params={"candidates": 0})
    after = scrape(served)

    def counted(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert counted("placefix_requests_total", route="/localize", status="200") == 3
    assert counted("placefix_requests_total", route="/localize", status="415") == 1
    assert counted("placefix_requests_total", route="/localize", status="422") == 1
    assert counted("placefix_request_duration_seconds_count", route="/localize") == 5
    for stage in (Stage.DECODE, Stage.QUEUE, Stage.ENCODE, Stage.SHORTLIST):
        assert counted("placefix_stage_duration_seconds_count", stage=stage) == 3
    for stage in (Stage.GATHER, Stage.RERANK):
        assert counted("placefix_stage_duration_seconds_count", stage=stage) == 1
    with PlaceMap.open(town.map_path) as place_map:
        shapes = place_map.manifest.features
    local_bytes = shapes.local_codec.bytes_per_picture(shapes.local_count)
    assert counted("placefix_gather_bytes_total") == 2 * local_bytes  # for the one query that was re-ranked
    assert counted("placefix_upload_duration_seconds_count") == 4  # all whose body was read
    assert counted("placefix_image_errors_total", code="not_an_image") == 1
    assert counted("placefix_batch_size_count") == 3
    assert counted("placefix_batch_size_sum") == 3


def test_answers_are_counted_by_status_and_those_that_are_sure_of_something_by_that(
    judged_towns: dict[str, Town], serve: Serve
) -> None:
    served = serve(*judged_towns.values())
    assert labels_of(scrape(served), "placefix_answers_total", "status") == {*judged_towns, "no_candidates"}
    for status, town in judged_towns.items():
        content = town.photos["100%.jpg"].read_bytes()
        for _ in range(1 if status == "not_found" else 2):
            assert served.client.post("/localize", content=content, params={"map": status}).json()["status"] == status
    samples = scrape(served)
    counted = {status: value(samples, "placefix_answers_total", status=status) for status in judged_towns}
    assert counted == {"localized": 2, "uncertain": 2, "not_found": 1, "uncalibrated": 2}
    assert value(samples, "placefix_answer_confidence_count") == 5
    assert value(samples, "placefix_answer_confidence_sum") == pytest.approx(2 * 0.98 + 2 * 0.6 + 0.1)
    assert [value(samples, "placefix_answer_confidence_bucket", le=bound) for bound in ("0.2", "0.7", "0.99")] == [
        *(1, 3, 5)
    ]


def test_a_body_over_the_limit_is_counted_for_its_route(town: Town, serve: Serve) -> None:
    served = serve(town, max_upload_bytes=1000)
    for content in (bytes(1001), iter([bytes(600), bytes(600)])):
        assert served.client.post("/localize", content=content).status_code == 413
    samples = scrape(served)
    assert value(samples, "placefix_requests_total", route="/localize", status="413") == 2
    assert value(samples, "placefix_rejected_total", reason="body_too_large") == 2


def test_the_stage_seconds_are_those_of_the_answers(town: Town, serve: Serve) -> None:
    served = serve(town)
    answers = [
        served.client.post("/localize", content=JPEG, params={"rerank": 1, "shortlist": 2}).json() for _ in range(3)
    ]
    samples = scrape(served)
    for stage in Stage:
        answered_s = sum(answer["timings_ms"][stage] for answer in answers) / 1000
        assert value(samples, "placefix_stage_duration_seconds_sum", stage=stage) == pytest.approx(answered_s, abs=1e-5)


def test_what_is_served_and_on_what(town: Town, village: Town, serve: Serve) -> None:
    samples = scrape(serve(town, village))
    assert value(samples, "placefix_ready") == 1
    assert value(samples, "placefix_map_info", map="town", version="000001") == 1
    assert value(samples, "placefix_map_pictures", map="town") == 12
    with PlaceMap.open(town.map_path) as place_map:
        created_at = datetime.fromisoformat(place_map.manifest.created_at)
    assert value(samples, "placefix_map_created_timestamp_seconds", map="town") == created_at.timestamp()
    assert value(samples, "placefix_map_pictures", map="village") == 3
    [device] = [dict(labels) for name, labels in samples if name == "placefix_device_info"]
    assert (device["device"], device["searcher"]) == ("cpu", "faiss-cpu")
    assert device["matcher"] in {"amx-int8", "avx-512-int16", "avx2-int16", "torch-float32"}
    assert "CUDA" in device["reason"]
    [encoding] = [dict(labels) for name, labels in samples if name == "placefix_encoding_info"]
    assert encoding == {"precision": "float32", "reason": "auto: as the map was encoded"}
    assert value(samples, "process_open_fds") > 0
    assert len(labels_of(samples, "placefix_build_info", "version")) == 1


def test_labels_never_hold_what_a_client_wrote(town: Town, serve: Serve) -> None:
    served = serve(town)
    for number in range(20):
        served.client.get(f"/nothing/{number}")
        served.client.get(f"/maps/no-such-map-{number}")
        served.client.get(f"/maps/town/places/{number}/thumbnail")
        served.client.request(f"METHOD{number}", "/localize")
        served.client.post("/localize", content=JPEG, params={"map": f"map-{number}"})
    samples = scrape(served)
    routes = labels_of(samples, "placefix_requests_total", "route")
    assert "unmatched" in routes
    assert "/maps/{name}/places/{id}/thumbnail" in routes
    assert len(routes) < 10
    assert all(status.isdecimal() for status in labels_of(samples, "placefix_requests_total", "status"))
    assert len(samples) < 500


def test_series_that_alerts_watch_are_there_before_their_first_event(town: Town, serve: Serve) -> None:
    samples = scrape(serve(town))
    codes = {kind.code for kind in (EmptyImage, NotAnImage, CorruptImage, TooManyPixels)}
    assert codes <= labels_of(samples, "placefix_image_errors_total", "code")
    reasons = labels_of(samples, "placefix_rejected_total", "reason")
    assert {"overloaded", "deadline_exceeded", "not_ready", "key_unknown", "client_gone"} <= reasons
    assert labels_of(samples, "placefix_dropped_total", "reason") == {"client_gone", "deadline"}
    assert value(samples, "placefix_rejected_total", reason="overloaded") == 0


def test_a_file_of_keys_that_broke_is_seen(town: Town, serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    key, line = make_key("prometheus", [Scope.METRICS])
    append_key(path, "prometheus", line)
    served = serve(town, keys=path)
    served.client.headers["X-API-Key"] = key
    assert value(scrape(served), "placefix_keys_stale") == 0
    path.write_text("nonsense")
    wait_until(lambda: value(scrape(served), "placefix_keys_stale") > 0)


def test_two_applications_do_not_share_their_metrics() -> None:
    first, second = Metrics("1"), Metrics("2")
    first.batch_taken(3)
    assert b"placefix_batch_size_count 1.0" in first.exposition()
    assert b"placefix_batch_size_count 0.0" in second.exposition()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian package prometheus)")
def test_promtool_finds_nothing_to_complain_about(town_server: Served) -> None:
    town_server.client.post("/localize", content=JPEG)
    town_server.client.post("/localize", content=b"no picture")
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=town_server.client.get("/metrics").content,
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
