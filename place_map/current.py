"""``CURRENT``: which version of a map is served."""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from place_map import layout
from place_map.errors import MapCorrupt
from place_map.manifest import Manifest


@dataclass(frozen=True)
class Current:
    """The content of ``CURRENT``: which version is served, and the sum of its manifest.

    The file is one line as ``sha256sum`` writes it, so that ``sha256sum --check CURRENT`` checks the manifest. Each
    version keeps its line beside its manifest (``layout.POINTER``): to serve a version is to copy its line.
    """

    version: str
    manifest_sha256: str

    @classmethod
    def to_manifest(cls, manifest: Manifest) -> "Current":
        """The pointer to a version."""
        return cls(manifest.version, sha256(manifest.to_json()).hexdigest())

    def to_bytes(self) -> bytes:
        """The bytes of the file."""
        return f"{self.manifest_sha256}  {layout.VERSIONS}/{self.version}/{layout.MANIFEST}\n".encode()

    @classmethod
    def parse(cls, content: bytes, path: Path) -> "Current":
        """The inverse of ``to_bytes``.

        Raises:
            MapCorrupt: The file holds something else.
        """
        line = re.fullmatch(
            rf"([0-9a-f]{{64}})  {layout.VERSIONS}/([0-9]{{6,}})/{re.escape(layout.MANIFEST)}\n",
            content.decode("ascii", errors="replace"),
        )
        if line is None:
            raise MapCorrupt(f"{path} does not name a version of the map; restore it, or build the map again")
        return cls(version=line[2], manifest_sha256=line[1])
