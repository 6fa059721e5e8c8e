"""The page at /: made of this server's own files alone, kept by browsers until they change."""

import re
from html.parser import HTMLParser
from importlib import resources

import pytest

from tests.service.conftest import Served

FILES = sorted(entry.name for entry in (resources.files("service") / "web" / "page").iterdir())


class References(HTMLParser):
    """Everything that a page loads or links to, and what its policy would not let run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.is_inline = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.found += [value for name in ("src", "href") if (value := attributes.get(name))]
        self.is_inline |= tag == "style" or (tag == "script" and "src" not in attributes)
        self.is_inline |= any(name == "style" or name.startswith("on") for name in attributes)


def test_the_page_loads_only_what_this_server_has(town_server: Served) -> None:
    page = town_server.client.get("/")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    references = References()
    references.feed(page.text)
    assert len(references.found) >= 5
    assert not references.is_inline
    for reference in references.found:
        assert "//" not in reference
        assert town_server.client.get(f"/{reference}").status_code == 200, reference


def test_the_page_allows_no_script_or_style_of_others(town_server: Served) -> None:
    headers = town_server.client.get("/").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert (policy["script-src"], policy["style-src"], policy["connect-src"]) == ("'self'",) * 3
    assert policy["img-src"] == "'self' blob: data:"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_kept_until_it_changes(name: str, town_server: Served) -> None:
    path = "/" if name == "index.html" else f"/page/{name}"
    first = town_server.client.get(path)
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "no-cache"
    again = town_server.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    changed = town_server.client.get(path, headers={"If-None-Match": '"another"'})
    assert changed.content == first.content


@pytest.mark.parametrize("name", [each for each in FILES if each.endswith((".js", ".css"))])
def test_no_file_names_another_server(name: str, town_server: Served) -> None:
    response = town_server.client.get(f"/page/{name}")
    media_type = {"js": "text/javascript", "css": "text/css"}[name.rpartition(".")[2]]
    assert response.headers["Content-Type"].startswith(media_type)
    addresses = set(re.findall(r"\w+://[\w./]+", response.text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, which nothing fetches
    for module in re.findall(r'from "\./([^"]+)"', response.text):
        assert module in FILES


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2f..%2fapp.py", "%2e%2e/docs.html", "page.js/", "%2Fetc%2Fpasswd", ""]
)
def test_nothing_else_is_served(name: str, town_server: Served) -> None:
    response = town_server.client.get(f"/page/{name}")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
