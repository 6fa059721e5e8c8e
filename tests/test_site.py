"""The site is built strictly, asks nobody else for anything, and answers questions within a few clicks."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from benchmarks.browser import Browser
from docs.site import REPOSITORY, build_site, documents
from tests.service.conftest import browser

__all__ = ["browser"]  # a fixture

HOME = "index.html"
LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href"}
"""Tag → the attribute that holds the address of a file that the browser fetches."""


@dataclass(frozen=True)
class Question:
    """Hold a question of a reader.

    Attributes:
        text: The question.
        clicks: The texts of the links that lead to the answer from the home of the site, one a click.
        answer: Words of the section that the last link opens.
    """

    text: str
    clicks: tuple[str, ...]
    answer: str


QUESTIONS = (
    Question("How do I build a map from Google Takeout?", ("Collections",), "the JSON of Google Takeout beside it"),
    Question("What does uncertain mean?", ("First answer", "The meaning of uncertain"), "position is the best guess"),
    Question("Which network do I take?", ("First answer", "Which network"), "placefix weights fetch selavpr_msls"),
    Question("How do I build a map of my photos?", ("First answer", "Five minutes"), "make serve PHOTOS="),
    Question("How sure is an answer?", ("How far to trust an answer", "Confidence"), "At most 5 %"),
    Question("Who sees my photos?", ("How far to trust an answer", "Privacy"), "A query stays in memory"),
    Question("How do I write positions into photos?", ("Many photos", "Writing positions back"), "placefix geotag"),
    Question("How do I give out keys?", ("Running it", "Keys"), "placefix keys create"),
    Question("How do I serve another version of a map?", ("Running it", "Serving another version"), "CURRENT"),
    Question("How do I add a shard?", ("Beyond one machine",), "PLACEFIX_SHARD=1/2"),
    Question("How do I measure recall on my photos?", ("Evaluation",), "placefix evaluate"),
    Question("Does RANSAC help?", ("Against the alternatives", "RANSAC"), "inliers of RANSAC"),
    Question("Where is Eq. 8?", ("From the paper to the code",), "Eq. 8, score of a candidate"),
    Question("Which file holds the features?", ("Map format", "globals.npy and locals.npy"), "(rows, D)"),
    Question("Which code has an overloaded server?", ("Reference", "Errors"), "overloaded"),
    Question("Why is the site built by MkDocs?", ("Decisions", "0023"), "strict mode"),
)


@dataclass
class Page(HTMLParser):
    """Read a page of the site.

    Attributes:
        links: Text and target of each link, in order.
        loaded: The addresses that a browser fetches for it.
        sections: The text from each anchor to the next; "" names the whole page.
    """

    links: list[tuple[str, str]] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    sections: dict[str, str] = field(default_factory=lambda: {"": ""})
    _anchor: str = ""
    _href: str | None = None
    _text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in LOADS and (address := attributes.get(LOADS[tag])):
            self.loaded.append(address)
        if tag in {"h1", "h2", "h3", "h4"} and (anchor := attributes.get("id")):
            self._anchor = anchor
            self.sections[anchor] = ""
        if tag == "a":
            self._href, self._text = attributes.get("href"), ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._href is not None:
            self.links.append((" ".join(self._text.split()), self._href))
            self._href = None

    def handle_data(self, data: str) -> None:
        self._text += data
        for anchor in {"", self._anchor}:
            self.sections[anchor] += data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site(folder)
    return folder


def read(site: Path, address: str) -> Page:
    page = Page()
    page.feed((site / unquote(urlsplit(address).path)).read_text("utf-8"))
    return page


def test_every_document_is_a_page(site: Path) -> None:
    assert len(documents()) >= 40
    for document in documents():
        name = document.relative_to(REPOSITORY).with_suffix(".html")
        assert (site / name.with_stem("index" if name.stem == "README" else name.stem)).is_file(), name


def test_pages_and_styles_ask_nobody_else_for_anything(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) >= 40
    for path in pages:
        page = read(site, str(path.relative_to(site)))
        assert page.loaded
        assert not [address for address in page.loaded if urlsplit(address).netloc], path
    for path in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", path.read_text("utf-8")), path


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text)
def test_a_question_is_answered_within_three_clicks(site: Path, question: Question) -> None:
    assert len(question.clicks) <= 3
    address = HOME
    for click in question.clicks:
        targets = [target for text, target in read(site, address).links if click in text]
        assert targets, f"{address} has no link {click!r}"
        address = urljoin(address, targets[0])
    assert question.answer in read(site, address).sections[urlsplit(address).fragment]


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=site))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_search_finds_a_page_in_a_browser_that_reaches_this_server_alone(served: str, browser: Browser) -> None:
    with browser.opened_tab() as tab:
        tab.go(f"{served}/{HOME}?q=takeout")
        tab.wait_for("!!document.querySelector('.md-search-result__item a')")
        assert "collections.html" in tab.run("document.querySelector('.md-search-result__item a').href")
        assert not [address for address in tab.received if not address.startswith((served, "data:", "blob:"))]
        assert tab.complaints == []
