"""A served map that changes: its versions, the pictures of each, clients that ask all the time, and damage."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from index_builder.changes.add import add_pictures
from index_builder.changes.remove import Selection, remove_pictures
from model.durable import write_atomically
from model.encoder import Encoder
from model.selavpr.initialisation import seeded_network
from place_map import layout
from place_map.activation import roll_back
from place_map.current import Current
from place_map.reader import PlaceMap
from place_map.versions import existing_versions, read_manifest
from tests.conftest import TINY_CONFIG
from tests.index_builder.map_factory import SMALL, photo_listing
from tests.service.conftest import Served, Town

EVERYTHING = {"candidates": "100", "shortlist": "100", "rerank": "false"}


def copy_town(town: Town, folder: Path) -> Town:
    """Copy a town, whose map a test may change."""
    map_path = folder / "maps" / town.map_path.name
    shutil.copytree(town.map_path, map_path)
    return Town(town.photos, town.positions, town.weights, map_path)


def add_some(town: Town, folder: Path, count: int = 2, prefix: str = "") -> str:
    """Add a version with more pictures, in a segment that no other version has."""
    encoder = Encoder(seeded_network(TINY_CONFIG, seed=7))
    return add_pictures(town.map_path, photo_listing(folder, count), encoder, SMALL, prefix=prefix).version


def remove_one(town: Town) -> str:
    """Add a version without the last picture of the current one."""
    return remove_pictures(town.map_path, Selection(ids=(ids_of(town)[-1],))).version


def ids_of(town: Town, version: str | None = None) -> list[str]:
    with PlaceMap.open(town.map_path, version) as place_map:
        return place_map.places.ids


def contents(town: Town) -> dict[str, set[str]]:
    """Return version → ids of its pictures."""
    return {version: set(ids_of(town, version)) for version in existing_versions(town.map_path)}


def point_to(town: Town, version: str) -> None:
    """Move ``CURRENT`` without checking the version, as a copy of files may do."""
    line = (layout.version_dir(town.map_path, version) / layout.POINTER).read_bytes()
    write_atomically(town.map_path / layout.CURRENT, line)


def flip_bit(path: Path, place: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    write_atomically(path, bytes(content))  # a file that a server has mapped must not be cut, not even for a moment


def grow_town(town: Town, folder: Path) -> Town:
    """Copy a town and add a version; the first one is served."""
    grown = copy_town(town, folder)
    add_some(grown, folder / "more")
    roll_back(grown.map_path)
    return grown


def claim_another_network(town: Town, version: str) -> None:
    """Make a version say that it was built by a network that is absent."""
    manifest = read_manifest(town.map_path, version)
    network = manifest.network.model_copy(update={"fingerprint": "0" * 64})
    changed = manifest.model_copy(update={"network": network})
    folder = layout.version_dir(town.map_path, version)
    (folder / layout.MANIFEST).write_bytes(changed.to_json())
    (folder / layout.POINTER).write_bytes(Current.to_manifest(changed).to_bytes())


def mend(town: Town, good: Path) -> None:
    """Replace the files that differ by those of a copy."""
    for path in good.rglob("*"):
        mended = town.map_path / path.relative_to(good)
        if path.is_file() and path.name != layout.CURRENT and path.read_bytes() != mended.read_bytes():
            write_atomically(mended, path.read_bytes())


def served_version(served: Served, name: str = "town") -> str:
    return str(served.client.get(f"/maps/{name}").json()["version"])


def is_served(served: Served, version: str) -> bool:
    return served_version(served) == version


@dataclass
class Asked:
    """Hold the answers of clients that asked all the time.

    Attributes:
        answers: Version → the sets of candidates that answers of this version had.
        versions: The versions of all answers, in the order of their coming.
        failures: The statuses and bodies of failed requests.
        count: The number of all requests.
        times_s: The seconds of each request.
    """

    answers: dict[str, set[frozenset[str]]] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    count: int = 0
    times_s: list[float] = field(default_factory=list)

    def is_beyond(self, count: int) -> bool:
        return self.count > count


@contextmanager
def asking_all_the_time(url: str, content: bytes, clients: int = 3) -> Iterator[Asked]:
    """Ask from several connections while the block lasts, for all pictures of the map in each answer."""
    asked, lock, is_over = Asked(), threading.Lock(), threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not is_over.is_set():
                began_at = time.monotonic()
                response = client.post("/localize", content=content, params=EVERYTHING)
                with lock:
                    asked.count += 1
                    asked.times_s.append(time.monotonic() - began_at)
                    if response.status_code != 200:
                        asked.failures.append(f"{response.status_code} {response.text}")
                        continue
                    answer = response.json()
                    found = frozenset(candidate["id"] for candidate in answer["candidates"])
                    asked.answers.setdefault(answer["map"]["version"], set()).add(found)
                    asked.versions.append(answer["map"]["version"])

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        is_over.set()
        for thread in threads:
            thread.join(60)
