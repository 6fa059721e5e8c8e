"""A headless Chromium, controlled over its developer protocol, for benchmarks, pictures and tests."""

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from model.errors import InvalidInput

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",  # this also turns off WebGL, which the page does not need
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--no-first-run",
)
PATIENCE_S = 120

_LEFT = "Inspected target navigated or closed"  # Chromium's message in this case


def find_chromium() -> str | None:
    """Return the browser's program; None if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class BrowserError(Exception):
    """Report that the browser failed to do a step, or was too slow."""


class PageLeftError(BrowserError):
    """Report that another page replaced the queried page before it answered."""


class _Target:
    """Call methods of the protocol on the browser, or on one of its tabs."""

    def __init__(self, connection: "ClientConnection") -> None:
        self._connection = connection
        self._numbers = itertools.count(1)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and return its result.

        Raises:
            BrowserError: The call failed.
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
        """Handle a message that is not an answer."""


class Tab(_Target):
    """Control one tab.

    Attributes:
        complaints: The lines of its console: errors and messages of scripts, failed requests, refusals of a policy.
        received: The bytes received from each address over the network, including headers.
    """

    def __init__(self, connection: "ClientConnection") -> None:
        super().__init__(connection)
        self.complaints: list[str] = []
        self.received: dict[str, int] = {}
        self._addresses: dict[str, str] = {}  # requests by their ids
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def go(self, url: str) -> None:
        """Begin to load a page."""
        self.call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """Return the value of an expression of JavaScript in the page.

        Raises:
            BrowserError: The expression threw an exception.
        """
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Wait until an expression is true; between two pages it counts as false."""
        wait_until(lambda: self._is_true(script), lambda: f"without success: {script}; {self.complaints}")

    def press(self, key: str, *, code: int = 0, text: str = "") -> None:
        """Press a key, such as "Tab" or "ArrowLeft"; ``code`` is its number on Windows."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)

    def give_files(self, selector: str, paths: Sequence[Path]) -> None:
        """Choose files, or a folder if the field takes one."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path.absolute()) for path in paths])

    def drop(self, paths: Sequence[Path], x: int = 600, y: int = 300) -> None:
        """Drag files or folders from outside onto the page, and drop them."""
        data = {"items": [], "files": [str(path.absolute()) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def save_to(self, folder: Path) -> None:
        """Allow files that pages offer to be saved to a folder."""
        self.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def answer_for_visitor(self, feature: str, origin: str, setting: Literal["granted", "denied"]) -> None:
        """Decide in advance whether a page may use a feature with a permission prompt, such as "geolocation"."""
        context = self.call("Target.getTargetInfo")["targetInfo"]["browserContextId"]
        permission = {
            "permission": {"name": feature},
            "setting": setting,
            "origin": origin,
            "browserContextId": context,
        }
        self.call("Browser.setPermission", **permission)

    def stroke(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at a place, move it to another one, and release it."""
        for kind, (x, y) in (
            ("mouseMoved", start),
            ("mousePressed", start),
            ("mouseMoved", end),
            ("mouseReleased", end),
        ):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def set_window(self, width: int, height: int, *, is_phone: bool = False, is_dark: bool = False) -> None:
        """Set the size of the tab, and its system's preferences."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=is_phone)
        self.prefer(scheme="dark" if is_dark else "light")

    def prefer(self, *, scheme: Literal["light", "dark"] = "light", is_still: bool = False) -> None:
        """Set the preferences of the visitor's system."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce" if is_still else ""},
        ]
        self.call("Emulation.setEmulatedMedia", features=features)

    def picture(self) -> bytes:
        """Return a picture of the tab, as PNG."""
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
            address = self._addresses[parameters["requestId"]]
            self.received[address] = self.received.get(address, 0) + int(parameters["encodedDataLength"])


class Browser(_Target):
    """Control a running browser."""

    def __init__(self, connection: "ClientConnection", port: int) -> None:
        super().__init__(connection)
        self._port = port

    @contextmanager
    def opened_tab(self) -> Iterator[Tab]:
        """Open a tab without cookies, storage and cache of others. It is closed when the block ends."""
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
        profile: An empty folder for the browser's files.

    Raises:
        InvalidInput: There is no browser.
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
    """Repeat a question until it is true.

    Raises:
        BrowserError: It did not become true; the message ends with the text of ``tell``.
    """
    end = time.monotonic() + PATIENCE_S
    while not is_true():
        if time.monotonic() > end:
            raise BrowserError(f"after {PATIENCE_S} s: {tell()}")
        time.sleep(0.02)


def _connected(url: str) -> "ClientConnection":
    from websockets.sync.client import connect  # noqa: PLC0415 (the other benchmarks run without it)

    # No pings: a thread would draw them from `random` at any time, also while hypothesis watches `random`.
    return connect(url, max_size=None, proxy=None, ping_interval=None)
