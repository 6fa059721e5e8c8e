"""Hold the files of the pages, their own and Leaflet's: compressed once, in a folder named by the sum of them all."""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HTML = ".html"
_LEAFLET = ("leaflet.js", "leaflet.css")
_SUM_DIGITS = 16
_FOLDER = b'"page/'  # the start of the pages' own references


@dataclass(frozen=True, slots=True)
class PageFile:
    """Hold a page, or a file of one.

    Attributes:
        content: The bytes.
        compressed: The bytes, compressed by gzip.
        media_type: The media type.
    """

    content: bytes
    compressed: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class PageFiles:
    """Hold all files of the pages.

    Attributes:
        pages: The pages, with references into the folder, by the name of their file.
        folder: The sum of all files together: the name of their folder below ``/page``.
        files: All other files, by name, such as ``work/table.js``.
    """

    pages: dict[str, PageFile]
    folder: str
    files: dict[str, PageFile]

    def path_of(self, name: str) -> str:
        """Return the path of a file."""
        return f"/page/{self.folder}/{name}"


@cache
def page_files() -> PageFiles:
    """Read and compress all files, at the first call."""
    contents = dict(_own_files(resources.files("service") / "web" / "page"))
    contents |= {name: (_leaflet() / name).read_bytes() for name in _LEAFLET}
    contents = {name: content for name, content in sorted(contents.items()) if _suffix(name) in _MEDIA_TYPES}
    joined = b"".join(name.encode() + b"\0" + hashlib.sha256(content).digest() for name, content in contents.items())
    folder = hashlib.sha256(joined).hexdigest()[:_SUM_DIGITS]
    below = f'"page/{folder}/'.encode()
    pages = {name: content.replace(_FOLDER, below) for name, content in contents.items() if _suffix(name) == _HTML}
    others = {name: content for name, content in contents.items() if name not in pages}
    return PageFiles(_files(pages), folder, _files(others))


def _own_files(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _own_files(entry, f"{above}{entry.name}/")
        else:
            yield f"{above}{entry.name}", entry.read_bytes()


def _leaflet() -> Traversable:
    # The package is made for Django, which is not needed: it holds Leaflet's files unchanged.
    return resources.files("js_lib_leaflet") / "static" / "js_lib_leaflet"


def _files(contents: dict[str, bytes]) -> dict[str, PageFile]:
    return {
        name: PageFile(content, gzip.compress(content, mtime=0), _MEDIA_TYPES[_suffix(name)])
        for name, content in contents.items()
    }


def _suffix(name: str) -> str:
    return "." + name.rpartition(".")[2]
