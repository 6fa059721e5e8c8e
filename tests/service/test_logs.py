"""Log lines: one for each request, as JSON, without anything that a client wrote."""

import io
import json
import logging
import re
from pathlib import Path

import structlog

from service.key_file import append_key
from service.keys import Scope, make_key
from service.logs import configure_logging
from tests.logs import logging_restored
from tests.service.conftest import Serve, Town


def test_every_request_is_one_line_with_its_id_and_no_secrets(town: Town, serve: Serve, log: io.StringIO) -> None:
    served = serve(town)
    content = town.photos["a street/3.jpg"].read_bytes()
    form = {"image": ("my-secret-holiday.jpg", content, "image/jpeg")}
    response = served.client.post(
        "/localize", files=form, params={"candidates": 2}, headers={"X-Request-Id": "abc-1", "Cookie": "secret=1"}
    )
    assert response.is_success
    served.client.get("/maps/secret-map")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    [line] = [line for line in lines if line.get("request_id") == "abc-1"]
    assert line["event"] == "request"
    assert (line["method"], line["route"], line["status"]) == ("POST", "/localize", "200")
    assert line["duration_ms"] > 0
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")
    assert "secret" not in log.getvalue()
    position = town.positions["a street/3.jpg"]
    assert str(position.latitude) not in log.getvalue()
    loaded = next(line for line in lines if line["event"] == "loaded")
    assert (loaded["device"], loaded["maps"]) == ("cpu", {"town": "000001"})
    assert any("not trained" in line["event"] for line in lines)


def test_a_line_tells_whose_key_a_request_came_with_and_never_the_key(
    town: Town, serve: Serve, log: io.StringIO, tmp_path: Path
) -> None:
    key, line = make_key("fleet", [Scope.READ])
    append_key(tmp_path / "keys.txt", "fleet", line)
    served = serve(town, keys=tmp_path / "keys.txt")
    for sent, name in ((key, "fleet"), ("placefix_wrong", None)):
        log.truncate(0)
        served.client.get("/maps", headers={"Authorization": f"Bearer {sent}"})
        served.client.get("/metrics", headers={"X-API-Key": sent})
        lines = [json.loads(each) for each in log.getvalue().lstrip("\0").splitlines()]
        assert [line.get("key") for line in lines if line.get("route") == "/maps"] == [name]
        assert sent not in log.getvalue()


def test_other_libraries_and_tracebacks_go_through_the_same_formatter(log: io.StringIO) -> None:
    try:
        int("broken")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("it failed")
    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["event"], line["level"], line["logger"]) == ("it failed", "error", "uvicorn.error")
    assert line["exception"][0]["exc_type"] == "ValueError"


def test_lines_below_the_level_are_left_out(log: io.StringIO) -> None:
    structlog.stdlib.get_logger("placefix.test").debug("too much")
    structlog.stdlib.get_logger("placefix.test").warning("enough")
    assert [json.loads(line)["event"] for line in log.getvalue().splitlines()] == ["enough"]


def test_people_get_plain_lines_without_what_a_client_sent() -> None:
    stream = io.StringIO()
    with logging_restored():
        configure_logging("console", "info", stream)
        structlog.stdlib.get_logger("placefix.test").info("hello", number=3)
        client_sent = "".join(["my-", "holiday"])
        try:
            client_sent.index("x")
        except ValueError:
            structlog.stdlib.get_logger("placefix.test").exception("it failed")
    assert re.match(r"[0-9:]{8} \[info\] hello number=3\n", stream.getvalue())
    assert "ValueError: substring not found" in stream.getvalue()
    assert "my-holiday" not in stream.getvalue()


def test_a_broken_form_is_one_line(town: Town, serve: Serve, log: io.StringIO) -> None:
    served = serve(town)
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert served.client.post("/localize", content=b"this is no form", headers=headers).status_code == 400
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["status"] for line in lines if line.get("route") == "/localize"] == ["400"]
    assert {line["logger"] for line in lines} == {"placefix.access", "placefix.service"}


def test_requests_to_shards_and_for_tiles_are_no_lines() -> None:
    stream = io.StringIO()
    with logging_restored():
        configure_logging("json", "debug", stream)
        for name in ("httpx", "httpcore.connection"):
            logging.getLogger(name).info("HTTP Request: GET http://10.0.0.1:8000/shard")
            logging.getLogger(name).warning("something is wrong")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == 2 * ["something is wrong"]
