"""Asks a server as clients do and as nobody should, and checks that problems are told as agreed."""

import socket
from collections.abc import Mapping
from typing import Any

import httpx

from tests.service.conftest import Served
from tests.service.pictures import JPEG
from tests.waiting import PATIENCE_S

HEAD = b"POST /localize HTTP/1.1\r\nHost: localhost\r\n"
BOUNDARY = "photo-boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def is_healthy(served: Served) -> bool:
    return served.client.get("/health/ready").status_code == 200


def check_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(problem)
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert problem["detail"]
    assert code in ("", problem["code"])
    assert "Traceback" not in response.text
    return problem


def check_uncalibrated(answer: Mapping[str, Any]) -> None:
    """Assert that an answer has a position, evidence and no confidence."""
    assert (answer["status"], answer["confidence"], answer["accuracy"]) == ("uncalibrated", None, None)
    best = answer["candidates"][0]
    assert answer["position"] == {"latitude": best["latitude"], "longitude": best["longitude"]}
    assert answer["evidence"]["matches"] == (best["mutual_matches"] or 0)


def part(disposition: str, content: bytes) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


IMAGE_PART = part('form-data; name="image"; filename="a.jpg"', JPEG)
END = f"--{BOUNDARY}--\r\n".encode()


def exchange(served: Served, request: bytes, timeout_s: float = PATIENCE_S) -> tuple[int, bytes]:
    """Send bytes as they are; return the status and the rest of the answer."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=timeout_s) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer or not _is_complete(answer):
            received = connection.recv(65_536)
            if not received:
                break
            answer += received
    return int(answer.split(b" ", 2)[1]), answer


def _is_complete(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return False
