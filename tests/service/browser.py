"""One headless Chromium for all tests, steered over the protocol that its developer tools speak."""

import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.waiting import PATIENCE_S, wait_until

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
)


def find_chromium() -> str:
    """The browser; skips the test where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"there is no browser: none of {', '.join(NAMES)} is installed")
    return found


_LEFT = "Inspected target navigated or closed"  # what Chromium says then


class PageLeftError(Exception):
    """The page that was asked gave way to another before it answered."""


class _Target:
    """What answers calls of the protocol: the browser, or one of its tabs."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(PATIENCE_S))
            if message.get("id") == number:
                if message.get("error", {}).get("message") == _LEFT:
                    raise PageLeftError
                assert "error" not in message, message
                return dict(message["result"])
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        """Take what was not asked for."""


class Tab(_Target):
    """One tab.

    Attributes:
        complaints: What stands in its console: errors and lines of scripts, failed requests, what a policy refused.
    """

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__(connection)
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def go(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """What an expression of JavaScript is in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Waits until an expression is true; between two pages there is none to ask."""
        wait_until(lambda: self._is_true(script), lambda: f"in vain: {script}; {self.complaints}")

    def _is_true(self, script: str) -> bool:
        try:
            return bool(self.run(f"document.readyState === 'complete' && Boolean({script})"))
        except PageLeftError:
            return False

    def _note(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        if message["method"] == "Log.entryAdded" and parameters["entry"]["level"] in ("warning", "error"):
            self.complaints.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        elif message["method"] == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif message["method"] == "Runtime.consoleAPICalled":
            self.complaints.append(" ".join(str(each.get("value")) for each in parameters["args"]))


class Browser(_Target):
    """A running browser."""

    def __init__(self, connection: ClientConnection, port: int) -> None:
        super().__init__(connection)
        self._port = port

    @contextmanager
    def opened_tab(self) -> Iterator[Tab]:
        """A tab with nothing that others left: no cookies, no storage, no cache. It is closed when the block ends."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        try:
            with _connected(f"ws://127.0.0.1:{self._port}/devtools/page/{target}") as connection:
                yield Tab(connection)
        finally:
            self.call("Target.disposeBrowserContext", browserContextId=context)


@contextmanager
def started_browser(profile: Path) -> Iterator[Browser]:
    """A browser, until the block ends."""
    command = [find_chromium(), *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
    port_file = profile / "DevToolsActivePort"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: port_file.exists() and len(port_file.read_text().splitlines()) == 2)
            port, path = port_file.read_text().splitlines()
            with _connected(f"ws://127.0.0.1:{port}{path}") as connection:
                yield Browser(connection, int(port))
        finally:
            process.terminate()


def _connected(url: str) -> ClientConnection:
    # No pings: a thread would draw them from `random` at any time, also while hypothesis watches that.
    return connect(url, max_size=None, proxy=None, ping_interval=None)
