"""The file ``CURRENT``, which names the served version of a map."""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from place_map import layout
from place_map.errors import MapCorrupt
from place_map.manifest import Manifest


@dataclass(frozen=True)
class Current:
    """Hold the content of ``CURRENT``: the served version and the sum of its manifest.

    The file has one line in the format of ``sha256sum``, so ``sha256sum --check CURRENT`` checks the manifest. Each
    version keeps its line beside its manifest (``layout.POINTER``); serving a version copies this line.
    """

    version: str
    manifest_sha256: str

    @classmethod
    def to_manifest(cls, manifest: Manifest) -> "Current":
        """Make the pointer to a version."""
        return cls(manifest.version, sha256(manifest.to_json()).hexdigest())

    def to_bytes(self) -> bytes:
        """Return the bytes of the file."""
        return f"{self.manifest_sha256}  {layout.VERSIONS}/{self.version}/{layout.MANIFEST}\n".encode()

    @classmethod
    def parse(cls, content: bytes, path: Path) -> "Current":
        """Parse the bytes of ``to_bytes``.

        Raises:
            MapCorrupt: The file has other content.
        """
        line = re.fullmatch(
            rf"([0-9a-f]{{64}})  {layout.VERSIONS}/([0-9]{{6,}})/{re.escape(layout.MANIFEST)}\n",
            content.decode("ascii", errors="replace"),
        )
        if line is None:
            raise MapCorrupt(f"{path} does not name a version of the map; restore it, or build the map again")
        return cls(version=line[2], manifest_sha256=line[1])
