"""An origin for tests, with a second way to its files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.store import LocalStore, MemoryStore, S3Store

from place_map.exchange.object_store import ObjectStoreOrigin
from place_map.exchange.opening import open_origin
from place_map.exchange.origin import Origin

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
