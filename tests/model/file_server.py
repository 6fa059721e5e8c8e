"""A file server on this machine with configurable faults."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Literal

_RANGE = re.compile(r"bytes=(\d+)-")


@dataclass(frozen=True)
class Answer:
    """Describe an answer at an address without the file.

    Attributes:
        status: The status of HTTP.
        headers: The headers besides the length.
        body: The bytes of the body.
        is_cut: Whether the connection breaks in the middle of the body.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_cut: bool = False


Route = Callable[[str, Mapping[str, str]], Answer | None]
"""Answers a path with its query and the request's headers; None lets the file be served."""


@dataclass
class FileServer:
    """Serve one file, with faults, and record the requests.

    Attributes:
        content: The bytes of the file, at all paths that no route answers.
        route: A function that may answer before the file, like a page for people.
        disposition: The file's name in its answers; None for no name.
        statuses: The statuses of the first answers, one for each request.
        drop_after: The connection breaks after this many bytes of each answer; one number for each answer, then none.
        honours_range: Whether it can continue.
        honours_if_range: Whether it checks that the file is unchanged before it continues.
        validator: The mark that distinguishes versions.
        sends_length: Whether it states the length of the file.
        content_type: The content type of the file.
        pause: An event that releases the answers that wait half-way.
        waits_half_way: Whether answers stop in the middle until ``pause`` is set.
        ranges: The Range headers of the requests that no route answered; None for a request without one.
        paths: The paths of all requests so far, with their queries.
    """

    content: bytes
    address: str = ""
    route: Route = lambda _path, _headers: None
    disposition: str | None = None
    statuses: list[int] = field(default_factory=list)
    drop_after: list[int] = field(default_factory=list)
    honours_range: bool = True
    honours_if_range: bool = True
    validator: Literal["etag", "weak etag", "date", "none"] = "etag"
    sends_length: bool = True
    content_type: str = "application/octet-stream"
    waits_half_way: bool = False
    pause: threading.Event = field(default_factory=threading.Event)
    ranges: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def url(self, path: str = "weights.pth") -> str:
        return f"{self.address}/{path}"

    def headers(self) -> dict[str, str]:
        digest = hashlib.sha256(self.content).hexdigest()
        match self.validator:
            case "etag":
                return {"ETag": f'"{digest[:16]}"'}
            case "weak etag":
                return {"ETag": f'W/"{digest[:16]}"'}
            case "date":
                return {"Last-Modified": f"Mon, 23 Nov 2026 08:{int(digest[:4], 16) % 60:02}:00 GMT"}
            case "none":
                return {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files: ClassVar[FileServer]

    def do_GET(self) -> None:
        files = self.files
        files.paths.append(self.path)
        routed = files.route(self.path, dict(self.headers.items()))
        if routed is not None:
            self._answer_routed(routed)
            return
        asked = self.headers.get("Range")
        files.ranges.append(asked)
        if files.statuses:
            self._answer(files.statuses.pop(0), {"Content-Length": "0"}, b"")
            return
        start = self._start(asked)
        if start is not None and start >= len(files.content):
            headers = {"Content-Range": f"bytes */{len(files.content)}", "Content-Length": "0"}
            self._answer(416, headers | files.headers(), b"")
            return
        body = files.content[start or 0 :]
        headers = files.headers() | {"Content-Type": files.content_type}
        if files.disposition is not None:
            headers["Content-Disposition"] = files.disposition
        if files.sends_length:
            headers["Content-Length"] = str(len(body))
        else:
            headers["Connection"] = "close"
        if start is not None:
            headers["Content-Range"] = f"bytes {start}-{len(files.content) - 1}/{len(files.content)}"
        self._answer(200 if start is None else 206, headers, body)

    def _answer_routed(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if answer.is_cut else answer.body)
        self.close_connection = answer.is_cut

    def _start(self, asked: str | None) -> int | None:
        match = _RANGE.fullmatch(asked or "")
        if match is None or not self.files.honours_range:
            return None
        condition = self.headers.get("If-Range")
        if self.files.honours_if_range and condition not in (None, *self.files.headers().values()):
            return None
        return int(match[1])

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        dropped = self.files.drop_after.pop(0) if body and self.files.drop_after else None
        sent = body if dropped is None else body[:dropped]
        if self.files.waits_half_way:
            self.wfile.write(sent[: len(sent) // 2])
            self.wfile.flush()
            self.files.pause.wait(60)
            sent = sent[len(sent) // 2 :]
        self.wfile.write(sent)
        if dropped is not None or not self.files.sends_length:
            self.close_connection = True

    def log_message(self, *_ignored: object) -> None:
        """Print nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_ignored: object) -> None:
        """Print nothing: these tests use clients that hang up."""


@contextmanager
def serving(content: bytes) -> Iterator[FileServer]:
    """Serve on a free port of this machine until the block ends."""
    files = FileServer(content)
    handler = type("Handler", (_Handler,), {"files": files})
    server = _Server(("127.0.0.1", 0), handler)
    files.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield files
    finally:
        files.pause.set()
        server.shutdown()
        thread.join()
        server.server_close()
