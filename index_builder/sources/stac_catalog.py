"""Catalogues and collections of STAC that lie on the disk: their links lead to files of items."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from os import path as paths
from pathlib import Path
from urllib.parse import unquote, urlsplit

from index_builder.errors import SourceError
from index_builder.sources.json_file import JsonContent, read_json_content, text_in

_CATALOGUES = ("Collection", "Catalog")
_LINKS = ("item", "items", "child")

HERE = "."
"""The folder of the catalogue."""


@dataclass(frozen=True, slots=True)
class LinkedItem:
    """Hold an item that a catalogue leads to.

    Attributes:
        folder: The folder of its file, relative to the catalogue's: a POSIX path, or ``HERE``.
        item: The content of the file; None if it is not available.
        fault: The reason why it is not available; empty otherwise.
    """

    folder: str
    item: object
    fault: str = ""


def is_catalogue(content: JsonContent) -> bool:
    """Return whether a document is a catalogue or a collection."""
    return content.members.get("type") in _CATALOGUES and isinstance(content.members.get("links"), list)


def linked_items(file: Path, content: JsonContent) -> Iterator[LinkedItem]:
    """Yield the items of a catalogue, and of the catalogues that it leads to; addresses are never fetched.

    Args:
        file: The catalogue.
        content: The content of the catalogue.
    """
    seen = {file.resolve()}
    pending = deque([(file, content)])
    while pending:
        here, content = pending.popleft()
        for address in _addresses(content):
            linked = _file_of(here, address)
            if linked is None:
                yield LinkedItem(HERE, None, f"{here} leads to {address}, and nothing is downloaded: save it beside")
                continue
            if linked.resolve() in seen:
                continue
            seen.add(linked.resolve())
            try:
                found = read_json_content(linked)
            except SourceError as error:
                yield LinkedItem(HERE, None, f"{here} leads to it: {error.message}")
                continue
            if is_catalogue(found):
                pending.append((linked, found))
                continue
            folder = Path(paths.relpath(linked.parent, file.parent)).as_posix()
            for item in [item for _, item in found.entries or ()] or [found.document]:
                yield LinkedItem(folder, item)


def _addresses(content: JsonContent) -> Iterator[str]:
    links = content.members.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") in _LINKS and (address := text_in(link.get("href"))):
            yield address


def _file_of(here: Path, address: str) -> Path | None:
    """Return the file of a link; None if the link is an address on the net."""
    if urlsplit(address).netloc:
        return None
    written = here.parent / address
    return written if written.exists() else here.parent / unquote(address.removeprefix("file://"))
