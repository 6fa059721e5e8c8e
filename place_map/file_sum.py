"""Size and sum of a file: what shows that it is whole."""

from pathlib import Path
from typing import Self

from pydantic import NonNegativeInt

from model.durable import sha256_of
from place_map.manifest_part import ManifestPart, Sha256


class FileSum(ManifestPart):
    """Size and SHA-256 of a file."""

    bytes: NonNegativeInt
    sha256: Sha256

    @classmethod
    def of(cls, path: Path) -> Self:
        """Reads the whole file."""
        return cls(bytes=path.stat().st_size, sha256=sha256_of(path))
