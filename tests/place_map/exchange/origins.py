"""An origin for tests, with a second way to its files."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.store import LocalStore, MemoryStore, S3Store

from place_map.current import Current
from place_map.exchange.object_store import ObjectStoreOrigin
from place_map.exchange.opening import open_origin
from place_map.exchange.origin import Claim, Origin, Served

CopyMap = Callable[[str], Path]


@dataclass(frozen=True)
class Place:
    """Hold an origin, and a second way to its files.

    Attributes:
        kind: directory, memory or s3.
        address: As a user gives it.
        store: The files, past the code that is tested.
    """

    kind: str
    address: str
    store: LocalStore | MemoryStore | S3Store

    @property
    def origin(self) -> Origin:
        """Return the origin, opened anew."""
        if isinstance(self.store, MemoryStore):
            return ObjectStoreOrigin(self.store, self.address)
        return open_origin(self.address)

    def files(self) -> dict[str, bytes]:
        """Return path → content."""
        paths = [each["path"] for page in obstore.list(self.store) for each in page]
        return {path: bytes(obstore.get(self.store, path).bytes()) for path in paths}

    def path_of(self, ending: str) -> str:
        """Return the first path with an ending."""
        return min(path for path in self.files() if path.endswith(ending))

    def damage(self, path: str) -> bytes:
        """Change a bit of a file, and return its content from before."""
        content = bytes(obstore.get(self.store, path).bytes())
        obstore.put(self.store, path, content[:-1] + bytes([content[-1] ^ 1]))
        return content


class Wrapped:
    """Pass all calls on to an origin; tests override the calls that they disturb.

    Args:
        origin: The origin.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self.name = origin.name

    def read_current(self) -> Served | None:
        return self._origin.read_current()

    def sizes(self, folder: str) -> dict[str, int]:
        return self._origin.sizes(folder)

    def read(self, path: str, start: int, end: int) -> Iterator[bytes]:
        return self._origin.read(path, start, end)

    def write(self, path: str, chunks: Iterable[bytes], size: int) -> None:
        self._origin.write(path, chunks, size)

    def remove(self, paths: Sequence[str]) -> None:
        self._origin.remove(paths)

    def check_room(self, size: int) -> None:
        self._origin.check_room(size)

    def publishing(self, folders: Collection[str]) -> AbstractContextManager[Claim]:
        return self._origin.publishing(folders)

    def pruning(self) -> AbstractContextManager[Claim]:
        return self._origin.pruning()

    def replace_current(self, pointer: Current, before: Served | None) -> bool:
        return self._origin.replace_current(pointer, before)
