"""Size and sum of a file: what shows that it is whole."""

from pathlib import Path
from typing import Self

from pydantic import NonNegativeInt

from index_builder.place_map.manifest_part import ManifestPart, Sha256
from model.durable import sha256_of


class FileSum(ManifestPart):
    """Size and SHA-256 of a file."""

    bytes: NonNegativeInt
    sha256: Sha256

    @classmethod
    def of(cls, path: Path) -> Self:
        """Reads the whole file."""
        return cls(bytes=path.stat().st_size, sha256=sha256_of(path))
