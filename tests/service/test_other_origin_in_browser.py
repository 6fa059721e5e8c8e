"""A page of another origin in a real browser: the settings decide its rights."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from benchmarks.browser import Tab
from tests.service.conftest import Serve, Served, Town
from tests.service.pictures import JPEG

ELSEWHERE = "https://elsewhere.example"

# A question with a key, a thumbnail in an <img>, and an activation; each as the page sees it.
ASK = """
(async () => {
  const attempt = async (path, body, type) => {
    const headers = { Authorization: "Bearer of-the-app", "Content-Type": type };
    try {
      const response = await fetch("URL" + path, { method: "POST", body, headers });
      return [response.status, (await response.json()).status, Boolean(response.headers.get("X-Request-Id"))];
    } catch (error) { return error.name; }
  };
  const photo = Uint8Array.from(atob("PHOTO"), (character) => character.charCodeAt(0));
  const shown = await new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image.naturalWidth > 0);
    image.onerror = () => resolve(false);
    image.src = "URL/maps/town/places/100%25.jpg/thumbnail";
  });
  return JSON.stringify({
    asked: await attempt("/localize", photo, "image/jpeg"),
    shown,
    activated: await attempt("/maps/town/activate", '{"version": "000001"}', "application/json"),
  });
})()
"""


class _App(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>app</title>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    """Serve a page from another origin than the service's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _App) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def ask_from(tab: Tab, app: str, served: Served) -> dict[str, Any]:
    tab.go(app)
    tab.wait_for("document.title === 'app'")
    return dict(json.loads(tab.run(ASK.replace("URL", served.url).replace("PHOTO", b64encode(JPEG).decode()))))


def test_a_page_of_a_named_origin_asks_and_shows_thumbnails_and_activates_nothing(
    town: Town, serve: Serve, tab: Tab, app: str
) -> None:
    found = ask_from(tab, app, serve(town, cors_origins=(ELSEWHERE, app)))
    assert found == {"asked": [200, "uncalibrated", True], "shown": True, "activated": "TypeError"}


def test_any_other_page_may_nothing(town_server: Served, town: Town, serve: Serve, tab: Tab, app: str) -> None:
    closed = {"asked": "TypeError", "shown": False, "activated": "TypeError"}
    assert ask_from(tab, app, town_server) == closed
    assert ask_from(tab, app, serve(town, cors_origins=(ELSEWHERE,))) == closed | {"shown": True}
