"""The pages at / and /status: made of this server's own files alone, kept by browsers until they change."""

import posixpath
import re
import shutil
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from service.content_coding import takes_gzip
from service.page_files import page_files
from tests.service.conftest import Served

_FOLDER = Path(str(resources.files("service"))) / "web" / "page"
OWN = sorted(
    path.relative_to(_FOLDER).as_posix() for path in _FOLDER.rglob("*") if path.is_file() and path.suffix != ".html"
)
PAGES = ["/", "/status"]
FILES = [*OWN, "leaflet.js", "leaflet.css"]


class References(HTMLParser):
    """Collect everything that a page loads or links to, and everything that its policy would not let run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.is_inline = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.found += [value for name in ("src", "href") if (value := attributes.get(name))]
        self.is_inline |= tag == "style" or (tag == "script" and "src" not in attributes)
        self.is_inline |= any(name == "style" or name.startswith("on") for name in attributes)


@pytest.mark.parametrize("path", PAGES)
def test_the_page_loads_only_what_this_server_has(path: str, town_server: Served) -> None:
    page = town_server.client.get(path)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    references = References()
    references.feed(page.text)
    assert len(references.found) >= 5
    assert not references.is_inline
    for reference in references.found:
        assert "//" not in reference
        assert town_server.client.get(f"/{reference}").status_code == 200, reference


@pytest.mark.parametrize("path", PAGES)
def test_the_page_allows_no_script_or_style_of_others(path: str, town_server: Served) -> None:
    headers = town_server.client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert (policy["script-src"], policy["style-src"], policy["connect-src"]) == ("'self'",) * 3
    assert policy["img-src"] == "'self' blob: data:"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", PAGES)
def test_the_page_itself_is_asked_about_each_time(path: str, town_server: Served) -> None:
    first = town_server.client.get(path)
    assert first.headers["Cache-Control"] == "no-cache"
    assert first.headers["Content-Encoding"] == "gzip"
    again = town_server.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert "Content-Security-Policy" in again.headers
    assert town_server.client.get(path, headers={"If-None-Match": '"another"'}).content == first.content


@pytest.mark.parametrize("name", FILES)
def test_every_other_file_is_kept_for_good_below_the_sum_of_all(name: str, town_server: Served) -> None:
    path = page_files().path_of(name)
    response = town_server.client.get(path)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Content-Encoding"] == "gzip"
    plain = town_server.client.get(path, headers={"Accept-Encoding": "br, gzip;q=0"})
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == response.headers["Vary"] == "Accept-Encoding"
    assert plain.content == response.content
    assert town_server.client.get(f"/page/0123456789abcdef/{name}").status_code == 404  # the folder of another release


def test_the_sum_changes_with_any_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before, find = page_files().folder, resources.files
    copied = Path(shutil.copytree(Path(str(resources.files("service"))) / "web", tmp_path / "web"))
    monkeypatch.setattr(resources, "files", lambda name: tmp_path if name == "service" else find(name))
    assert page_files.__wrapped__().folder == before
    (copied / "page" / "geo.js").write_text("export {};")
    assert page_files.__wrapped__().folder != before


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("*", True),
        ("GZIP", True),
        ("", False),
        ("gzip;q=0", False),
        ("gzip;q=x", False),
        ("*, gzip;q=0.0", False),
        ("identity", False),
    ],
)
def test_what_may_be_compressed(accepted: str, takes: bool) -> None:
    assert takes_gzip(Headers({"Accept-Encoding": accepted})) is takes


@pytest.mark.parametrize("name", [each for each in OWN if each.endswith((".js", ".css"))])
def test_no_file_names_another_server(name: str, town_server: Served) -> None:
    response = town_server.client.get(page_files().path_of(name))
    media_type = {"js": "text/javascript", "css": "text/css"}[name.rpartition(".")[2]]
    assert response.headers["Content-Type"].startswith(media_type)
    addresses = set(re.findall(r"\w+://[\w./]+", response.text))
    names = {"http://www.w3.org/2000/svg", "http://www.topografix.com/GPX/1/1"}  # which nothing fetches
    assert addresses <= names
    for module in re.findall(r'(?:from|import\()\s*"(\.[^"]+)"', response.text):
        assert posixpath.normpath(posixpath.join(posixpath.dirname(name), module)) in OWN


@pytest.mark.parametrize("name", [each for each in OWN if each.endswith(".js")])
def test_modules_are_small_and_say_what_they_are_for(name: str) -> None:
    text = page_files().files[name].content.decode()
    assert text.startswith("// ")
    assert len(text.splitlines()) < 200


@pytest.mark.parametrize("name", [each for each in OWN if each.endswith(".js")])
def test_what_a_module_gives_to_others_says_what_it_takes(name: str) -> None:
    """By JSDoc: a comment for each, and a type for each parameter; those that are taken apart have no name."""
    text = page_files().files[name].content.decode()
    exported = re.findall(
        r"(/\*\*(?:(?!\*/).)*\*/\n)?export (?:async )?(function|class) (\w+)(?:\((.*?)\) \{\n)?", text, re.DOTALL
    )
    for comment, kind, symbol, parameters in exported:
        assert comment, symbol
        if kind == "function":
            taken = re.sub(r"\{[^}]*\}|\[[^\]]*\]|= [^,{]*", "", parameters)
            for parameter in re.findall(r"\w+", taken):
                assert re.search(rf"@param \{{.+\}} \[?{parameter}\b", comment), f"{symbol}: {parameter}"


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "work",
        "work/",
        "work/%2e%2e/page.js",
        "work/nothing.js",
        "..%2f..%2fapp.py",
        "%2e%2e/docs.html",
        "page.js/",
        "%2Fetc%2Fpasswd",
        "",
        "index.html",
        "status.html",
    ],
)
def test_nothing_else_is_served(name: str, town_server: Served) -> None:
    for folder in ("", f"{page_files().folder}/"):
        response = town_server.client.get(f"/page/{folder}{name}")
        assert response.status_code == 404
        assert response.headers["Content-Type"] == "application/problem+json"
