"""A proxy in front of a shard that fails as it is told: it breaks connections, keeps silent, or talks nonsense."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx

from service.shard_messages import MEDIA_TYPE
from service.shard_state import SHARD_PATH

Fault = Literal["forward", "garbage", "nothing", "silent", "break", "busy", "endless"]

_PROBLEM = (
    b'{"type":"a","title":"a","status":503,"detail":"128 queries are being answered","code":"b","request_id":"c"}'
)


class FaultyShard:
    """Control a proxy.

    Attributes:
        url: The address of the proxy.
        faults: The faults of the next calls; later calls are forwarded.
        is_broken_off: Set once the other side has broken off a call that got no answer.
    """

    def __init__(self, target: str) -> None:
        self.faults: list[Fault] = []
        self.is_broken_off = threading.Event()
        self.url = ""
        self._target = target

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        fault = self.faults.pop(0) if self.faults and handler.path != SHARD_PATH else "forward"
        match fault:
            case "break":
                handler.close_connection = True
            case "silent":
                assert handler.connection.recv(1) == b""
                self.is_broken_off.set()
                handler.close_connection = True
            case "busy":
                self._send(handler, 503, _PROBLEM)
            case "endless":
                self._send(handler, 200, bytes(2**20 + 1))
            case "garbage" | "nothing":
                self._send(handler, 200, b"<html>" if fault == "garbage" else b"")
            case _:
                headers = {name: value for name, value in handler.headers.items() if name != "Host"}
                with httpx.Client(base_url=self._target) as client:
                    found = client.request(handler.command, handler.path, content=body, headers=headers)
                self._send(handler, found.status_code, found.content)

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, status: int, content: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", MEDIA_TYPE)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)


@contextmanager
def faulty_shard(target: str) -> Iterator[FaultyShard]:
    """Run a proxy to a shard until the block ends."""
    shard = FaultyShard(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            shard.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    shard.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield shard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
