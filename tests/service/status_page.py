"""Open the page for operators at /status, and read its texts and tables."""

from benchmarks.browser import Tab
from tests.service.conftest import Served

READ = "document.querySelector('.map') && document.querySelector('#queue [role=meter]')"
BUTTON = "document.querySelector('.map button')"


def show(tab: Tab, server: Served, address: str = "", is_complete: str = READ) -> None:
    tab.go(f"{server.url}/status{address}")
    tab.wait_for(is_complete)
    assert tab.complaints == []


def text(tab: Tab, selector: str) -> str:
    return str(tab.run(f"document.querySelector({selector!r}).innerText"))


def table(tab: Tab, selector: str) -> dict[str, list[str]]:
    """Return the rows of a table: the head of each, and its other cells."""
    rows = tab.run(
        f"[...document.querySelectorAll({selector!r} + ' tbody tr')]"
        ".map((each) => [...each.cells].map((cell) => cell.innerText))"
    )
    return {" ".join(head.split()): cells for head, *cells in rows}
