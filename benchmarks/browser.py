"""A headless Chromium, steered over the protocol that its developer tools speak: for benchmarks, pictures and tests."""

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from websockets.sync.client import ClientConnection, connect

from model.errors import InvalidInput

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",  # and with it WebGL, which the page does not need
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--no-first-run",
)
PATIENCE_S = 120

_LEFT = "Inspected target navigated or closed"  # what Chromium says then


def find_chromium() -> str | None:
    """Return the browser's program; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class BrowserError(Exception):
    """The browser did not do what it was told, or not in time."""


class PageLeftError(BrowserError):
    """The page that was asked gave way to another before it answered."""


class _Target:
    """What answers calls of the protocol: the browser, or one of its tabs."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and return its result.

        Raises:
            BrowserError: It failed.
        """
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(PATIENCE_S))
            if message.get("id") == number:
                if message.get("error", {}).get("message") == _LEFT:
                    raise PageLeftError
                if "error" in message:
                    raise BrowserError(message)
                return dict(message["result"])
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        """Take what was not asked for."""


class Tab(_Target):
    """One tab.

    Attributes:
        complaints: What stands in its console: errors and lines of scripts, failed requests, what a policy refused.
        received: The bytes that each address brought, as they came over the wire, with their headers.
    """

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__(connection)
        self.complaints: list[str] = []
        self.received: dict[str, int] = {}
        self._addresses: dict[str, str] = {}  # of requests
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def go(self, url: str) -> None:
        """Begin to load a page."""
        self.call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """Return what an expression of JavaScript is in the page.

        Raises:
            BrowserError: It threw an exception.
        """
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Wait until an expression is true; between two pages there is none to ask."""
        wait_until(lambda: self._is_true(script), lambda: f"in vain: {script}; {self.complaints}")

    def press(self, key: str, *, code: int = 0, text: str = "") -> None:
        """Press a key, as "Tab" or "ArrowLeft"; ``code`` is its number on Windows."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)

    def give_files(self, selector: str, paths: Sequence[Path]) -> None:
        """Choose files, or a folder where the field takes one."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def drop(self, paths: Sequence[Path], x: int = 600, y: int = 300) -> None:
        """Drag files or folders onto the page from outside, and let them go."""
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def save_to(self, folder: Path) -> None:
        """Let files that pages hand out be written to a folder."""
        self.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def answer_for_visitor(self, feature: str, origin: str, setting: Literal["granted", "denied"]) -> None:
        """Say in advance whether a page may use a feature that browsers ask their visitor about, as "geolocation"."""
        context = self.call("Target.getTargetInfo")["targetInfo"]["browserContextId"]
        permission = {
            "permission": {"name": feature},
            "setting": setting,
            "origin": origin,
            "browserContextId": context,
        }
        self.call("Browser.setPermission", **permission)

    def stroke(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at a place, move it to another one, and let it go."""
        for kind, (x, y) in (
            ("mouseMoved", start),
            ("mousePressed", start),
            ("mouseMoved", end),
            ("mouseReleased", end),
        ):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def set_window(self, width: int, height: int, *, is_phone: bool = False, is_dark: bool = False) -> None:
        """Give the tab a size, and what its system prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=is_phone)
        self.prefer(scheme="dark" if is_dark else "light")

    def prefer(self, *, scheme: Literal["light", "dark"] = "light", is_still: bool = False) -> None:
        """Say what the visitor's system prefers."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce" if is_still else ""},
        ]
        self.call("Emulation.setEmulatedMedia", features=features)

    def picture(self) -> bytes:
        """Return what the tab shows, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def _is_true(self, script: str) -> bool:
        try:
            return bool(self.run(f"document.readyState === 'complete' && Boolean({script})"))
        except PageLeftError:
            return False

    def _note(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        method = message["method"]
        if method == "Log.entryAdded" and parameters["entry"]["level"] in ("warning", "error"):
            self.complaints.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(" ".join(str(each.get("value")) for each in parameters["args"]))
        elif method == "Network.requestWillBeSent":
            self._addresses[parameters["requestId"]] = parameters["request"]["url"]
        elif method == "Network.loadingFinished" and parameters["requestId"] in self._addresses:
            self.received[self._addresses[parameters["requestId"]]] = int(parameters["encodedDataLength"])


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
    """Run a browser until the block ends.

    Args:
        profile: An empty folder for what it keeps.

    Raises:
        InvalidInput: There is none.
    """
    chromium = find_chromium()
    if chromium is None:
        raise InvalidInput(f"there is no browser: install one of {', '.join(NAMES)}")
    command = [chromium, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
    port_file = profile / "DevToolsActivePort"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            wait_until(lambda: port_file.exists() and len(port_file.read_text().splitlines()) == 2)
            port, path = port_file.read_text().splitlines()
            with _connected(f"ws://127.0.0.1:{port}{path}") as connection:
                yield Browser(connection, int(port))
        finally:
            process.terminate()


def wait_until(is_true: Callable[[], object], tell: Callable[[], object] = lambda: "it did not become true") -> None:
    """Ask again and again.

    Raises:
        BrowserError: It did not become true; with what ``tell`` says.
    """
    end = time.monotonic() + PATIENCE_S
    while not is_true():
        if time.monotonic() > end:
            raise BrowserError(f"after {PATIENCE_S} s: {tell()}")
        time.sleep(0.02)


def _connected(url: str) -> ClientConnection:
    # No pings: a thread would draw them from `random` at any time, also while hypothesis watches that.
    return connect(url, max_size=None, proxy=None, ping_interval=None)
