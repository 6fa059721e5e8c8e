"""The size and SHA-256 sum of a file, which show that it is complete."""

from pathlib import Path
from typing import Self

from pydantic import NonNegativeInt

from model.durable import sha256_of
from place_map.manifest_part import ManifestPart, Sha256


class FileSum(ManifestPart):
    """Hold size and SHA-256 of a file."""

    bytes: NonNegativeInt
    sha256: Sha256

    @classmethod
    def of(cls, path: Path) -> Self:
        """Read the whole file and return its sum."""
        return cls(bytes=path.stat().st_size, sha256=sha256_of(path))
