"""Read who owns the tiles: texts, and links among them. No markup reaches the page."""

from collections.abc import Sequence
from html.parser import HTMLParser

from service.basemap.tile import Credit

_HIDDEN = frozenset({"script", "style"})


def read_credits(html: str) -> Sequence[Credit]:
    """Read an attribution as tile files and tile servers give it: a text, or HTML with links.

    Only links that begin with ``https://`` or ``http://`` are kept.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return tuple(Credit(text, url) for text, url in reader.parts if text.strip())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[tuple[str, str | None]] = []
        self._url: str | None = None
        self._is_hidden = False  # inside an element that browsers do not show

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_hidden |= tag in _HIDDEN
        if tag == "a":
            url = (dict(attrs).get("href") or "").strip()
            self._url = url if url.lower().startswith(("https://", "http://")) else None

    def handle_endtag(self, tag: str) -> None:
        self._is_hidden &= tag not in _HIDDEN
        if tag == "a":
            self._url = None

    def handle_data(self, data: str) -> None:
        if self._is_hidden:
            return
        self.parts.append((" ".join(data.split()) if self._url else data, self._url))
