"""The site is built strictly, asks nobody else for anything, and answers questions within a few clicks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from benchmarks.browser import Browser
from docs.questions import HOME, QUESTIONS, WORDS_PER_S, Question, measure_questions, serving_site
from docs.site import REPOSITORY, build_site, documents
from tests.service.conftest import browser

__all__ = ["browser"]  # a fixture

LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href"}
"""Tag → the attribute that holds the address of a file that the browser fetches."""


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
def test_a_question_is_answered_within_three_clicks_and_a_minute_of_reading(site: Path, question: Question) -> None:
    assert len(question.clicks) <= 3
    address = HOME
    for click in question.clicks:
        targets = [target for text, target in read(site, address).links if click in text]
        assert targets, f"{address} has no link {click!r}"
        address = urljoin(address, targets[0])
    all_of_it, *sections = (page := read(site, address)).sections.values()
    assert question.answer in all_of_it
    text = page.sections[anchor] if (anchor := urlsplit(address).fragment) else "".join(sections)
    before, answer, _ = text.partition(question.answer)
    assert answer
    assert len(before.split()) / WORDS_PER_S <= 60


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    with serving_site(site) as url:
        yield url


def test_every_question_is_asked_by_clicks_in_a_browser(site: Path, browser: Browser) -> None:
    asked = QUESTIONS[::5]
    found = measure_questions(site, browser, asked)
    assert [(each.question, each.clicks) for each in found] == [(each.text, len(each.clicks)) for each in asked]
    assert all(each.seconds > 0 and each.words > 0 for each in found)


def test_search_finds_a_page_in_a_browser_that_reaches_this_server_alone(served: str, browser: Browser) -> None:
    with browser.opened_tab() as tab:
        tab.go(f"{served}/{HOME}?q=takeout")
        tab.wait_for("!!document.querySelector('.md-search-result__item a')")
        assert "collections.html" in tab.run("document.querySelector('.md-search-result__item a').href")
        assert not [address for address in tab.received if not address.startswith((served, "data:", "blob:"))]
        assert tab.complaints == []
