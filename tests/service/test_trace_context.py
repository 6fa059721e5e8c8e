"""The trace that a request belongs to: read as the W3C says it, written into the log, and answered."""

import io
import json
import re

import pytest

from service.trace_context import read_trace_context
from tests.service.asking import HEAD, exchange
from tests.service.conftest import Serve, Served, Town
from tests.service.pictures import JPEG

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_trace_is_written_into_the_log_and_answered(town: Town, serve: Serve, log: io.StringIO) -> None:
    served = serve(town)
    sent = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=secret", "X-Request-Id": "traced"}
    response = served.client.post("/localize", content=JPEG, headers=sent)
    assert response.status_code == 200
    [span] = re.fullmatch(rf"00-{TRACE}-([0-9a-f]{{16}})-00", response.headers["traceresponse"]).groups()  # type: ignore[union-attr]
    assert span != PARENT
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    [line] = [line for line in lines if line.get("request_id") == "traced"]
    assert (line["trace_id"], line["parent_id"], line["span_id"]) == (TRACE, PARENT, span)
    assert "secret" not in log.getvalue()
    served.client.get("/maps", headers={"X-Request-Id": "alone"})
    [alone] = [each for each in map(json.loads, log.getvalue().splitlines()) if each.get("request_id") == "alone"]
    assert "trace_id" not in alone


def test_a_problem_is_answered_so_too_and_an_invalid_trace_is_none(town_server: Served) -> None:
    sent = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
    assert TRACE in town_server.client.get("/nothing", headers=sent).headers["traceresponse"]
    response = town_server.client.get("/maps", headers={"traceparent": "00-abc"})
    assert response.status_code == 200
    assert "traceresponse" not in response.headers
    two = f"traceparent: 00-{TRACE}-{PARENT}-01\r\n" * 2
    status, answer = exchange(town_server, HEAD + f"{two}Content-Length: {len(JPEG)}\r\n\r\n".encode() + JPEG)
    assert status == 200
    assert b"traceresponse" not in answer


@pytest.mark.parametrize(
    "value",
    [
        f"00-{TRACE}-{PARENT}-01",
        f" 00-{TRACE}-{PARENT}-ff ",
        f"cc-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01-what-comes-later",
    ],
)
def test_a_valid_header(value: str) -> None:
    found = read_trace_context([value])
    assert found is not None
    assert (found.trace_id, found.parent_id) == (TRACE, PARENT)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01"],
        [f"00-{TRACE.upper()}-{PARENT}-01"],
        [f"00-{'0' * 32}-{PARENT}-01"],
        [f"00-{TRACE}-{'0' * 16}-01"],
        [f"ff-{TRACE}-{PARENT}-01"],
        [f"00-{TRACE}-{PARENT}-01-more"],
        [f"cc-{TRACE}-{PARENT}-01more"],
        [f"00-{TRACE}-{PARENT}"],
        [f"00-{TRACE}x-{PARENT}-01"],
        [f"00-{TRACE}-{PARENT}-1"],
    ],
)
def test_an_invalid_header_is_no_trace(values: list[str]) -> None:
    assert read_trace_context(values) is None
